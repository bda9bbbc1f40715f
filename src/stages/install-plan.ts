import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { quoteCommand } from '../io/quoting.ts';
import { argvOf } from '../vm/argv.ts';
import { filesOf } from '../vm/base/layout.ts';
import { requireQemu } from '../vm/base/require.ts';
import type { StageContext } from './context.ts';
import { NONCE_BYTES, installSpec, keyOfInstall } from './install.ts';
import type { InstallRequest } from './install.ts';

/** What an installation would use. */
export interface InstallPlan {
  readonly guest: string;
  /** Key of the stage. */
  readonly key: string;
  /** Paths of the written files, sorted. */
  readonly files: readonly string[];
  /** Command line of QEMU, program first. */
  readonly argv: readonly string[];
}

/** File with the command line of QEMU, quoted for a POSIX shell. */
const COMMAND_FILE = 'qemu.txt';

const PLACEHOLDER_KEY = 'ssh-ed25519 AAAA';

/** Directory of the files of the answer medium. */
const ANSWERS = 'answers';

/** Writes the media of an installation, the files of its answer medium and the command line of QEMU into a directory.
 *  The ssh keys, the password and the nonce are placeholders. Throws what `makeMedia` throws, VmError, and `usage` for
 *  a directory with files. */
export async function writeInstallPlan(
  context: StageContext,
  request: InstallRequest,
  directory: string,
): Promise<InstallPlan> {
  const { host, guest } = context;
  const { kit, ingredients, archives, makeMedia } = request;
  const { machineOptions } = ingredients;
  const { key } = await keyOfInstall(context, request);
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) {
    throw new CygstrapError('usage', `\`${directory}\` is not empty`, { hint: 'name a new directory for the plan' });
  }
  let answers: ReadonlyMap<string, Uint8Array> = new Map();
  const media = await makeMedia(directory, (setup) => {
    answers = kit.answerFiles({
      nonce: '0'.repeat(2 * NONCE_BYTES),
      authorizedKey: `${PLACEHOLDER_KEY} placeholder`,
      hostKey: { privateKey: 'placeholder\n', publicKey: PLACEHOLDER_KEY },
      password: 'placeholder',
      archives,
      firmware: machineOptions.firmware,
      setup,
    });
    return answers;
  });
  const spec = installSpec(context, { kit, machineOptions, media, directory });
  const argv = argvOf(spec, requireQemu(host), filesOf(spec.name, directory));
  const command = join(directory, COMMAND_FILE);
  await writeFileAtomically(command, `${quoteCommand(argv)}\n`);
  const files = [media.repo, media.answers, command];
  for (const [name, bytes] of answers) {
    const path = join(directory, ANSWERS, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomically(path, bytes);
    files.push(path);
  }
  return { guest: guest.name, key, files: files.sort(), argv };
}
