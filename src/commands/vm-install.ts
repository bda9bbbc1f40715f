import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { printLock } from '../lock/print.ts';
import { digestOf } from '../pipeline/context.ts';
import type { StageContext } from '../pipeline/context.ts';
import { installStage } from '../pipeline/install.ts';
import type { InstalledManifest, MachineWishes } from '../pipeline/manifest.ts';
import type { WatchLimits } from '../pipeline/watch.ts';
import type { LoadOptions } from './load-catalog.ts';
import { readLock } from './lock-file.ts';
import { makeMedia } from './media.ts';
import { archivesOf } from './media-answers.ts';
import { additionsOf } from './media-additions.ts';

export interface VmInstallRequest {
  readonly repo: string;
  readonly lock: string;
  /** As for `makeMedia`. */
  readonly add: readonly string[];
  readonly keyring: readonly string[];
  readonly wishes: Partial<MachineWishes>;
  readonly limits: WatchLimits;
  readonly vnc?: string | undefined;
}

/** Installs what a lock names into a new machine, from media made of the repo, unless the same was installed before. Throws what media and
 *  installing throw. */
export async function installVm(context: StageContext, request: VmInstallRequest, options: { readonly load: LoadOptions; readonly cacheDir: string }): Promise<InstalledManifest> {
  const { guest, report, signal } = context;
  const lock = await readLock(request.lock);
  const additions = await additionsOf(request.add);
  const kit = await guest.prepare({ cacheDir: options.cacheDir, report, signal });
  const { emptyDisksMiB = [], qemuArguments = [], ...sizes } = request.wishes;
  return installStage(context, {
    kit,
    ingredients: {
      lock: createHash('sha256').update(printLock(lock)).digest('hex'),
      additions: await Promise.all(additions.map(async ({ path, location }) => ({ path, sha256: await digestOf(location) }))),
      wishes: { ...guest.defaults, ...sizes, emptyDisksMiB, qemuArguments },
    },
    archives: archivesOf(lock),
    packages: lock.request.packages,
    limits: request.limits,
    vnc: request.vnc,
    makeMedia: async (out, files) => {
      const { image, answers } = await makeMedia({ ...request, out, answers: { form: 'floppy', files } }, { load: options.load, report, signal });
      return { repo: image.path, answers: answers?.path ?? join(out, 'answers.img') };
    },
  });
}

/** Reads the command lines of a file, one a line; empty lines and those that begin with `#` are left out. Throws `usage` for a file that cannot be read. */
export async function commandLines(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CygstrapError('usage', `cannot read the command lines in \`${path}\``, { cause });
  });
  return text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
}
