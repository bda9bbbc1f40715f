import type { Report } from '../../events.ts';
import type { Answers, MediaResult } from '../../api/media.ts';
import { setupText } from '../../report/setup-line.ts';
import { countText, sizeText } from '../../report/text.ts';
import { defineCommand, documentDefault, list, required, value } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_DONE, UsageError } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { LOCKED_PACKAGES, LOCK_DEFAULT } from '../options/lock.ts';
import { OUTPUT_OPTIONS } from '../options/options.ts';
import { REPO_OPTION, withProject } from '../options/repo.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';

type MediaArguments = Arguments<typeof OPTIONS>;

const OPTIONS = {
  ...REPO_OPTION,
  lock: documentDefault(value('FILE', 'Write the archives of this lock'), LOCK_DEFAULT),
  out: required(value('DIR', 'Write repo.iso into this directory')),
  add: list('FILE[=PATH]', 'Add this file or directory to the image, at PATH; repeat for several'),
  keyring: list('FILE', 'Trust the OpenPGP keys in this file too, for the setup program; repeat for several'),
  guest: value(
    'KIND',
    'Also write answers.img to install this kind of guest unattended, its known_hosts and its password',
  ),
  'authorized-key': value('FILE', 'Allow ssh logins to that guest with this public key'),
  ...OUTPUT_OPTIONS,
};

export const mediaCommand = defineCommand({
  name: 'media',
  summary: 'Write an ISO image of the archives of a lock, to install from in a machine without network',
  options: OPTIONS,
  unexpected: LOCKED_PACKAGES,
  examples: [
    ['media --repo ./repo --out ./media', 'repo.iso with the archives, their index and the setup program'],
    ['media --repo ./repo --out ./media --add install.cmd --add ./drivers=extra/drivers', 'with files of your own'],
  ],
  run: writeMedia,
});

async function writeMedia(session: Session, given: MediaArguments): Promise<number> {
  if ((given.guest === undefined) !== (given.authorizedKey === undefined))
    throw new UsageError('--guest and --authorized-key require each other');
  const args = await withProject(given);
  const { output, host } = session;
  const { makeMedia } = await import('../../api/media.ts');
  const { repo, lock, out, add, keyring } = args;
  const report = reporter(output, args);
  const result = await interruptible(async (signal) => {
    const answers = await answersFor(session, args, { report, signal });
    return makeMedia({ repo, lock, out, add, keyring, answers }, { env: host.env, report, signal });
  });
  if (args.json) await output.json({ schema: (await import('../../report/json.ts')).SCHEMA, ...result });
  else await output.data(mediaText(result));
  return EXIT_DONE;
}

async function answersFor(
  { host }: Session,
  { guest, authorizedKey, lock, out }: MediaArguments & { readonly lock: string },
  options: { readonly report: Report; readonly signal: AbortSignal },
): Promise<Answers | undefined> {
  if (guest === undefined || authorizedKey === undefined) return undefined;
  const { answersOf } = await import('../../api/media-answers.ts');
  const { imageDirectoryOf } = await import('../../api/vm-context.ts');
  const { readLock } = await import('../../api/lock-file.ts');
  return answersOf({ guest, authorizedKey, out }, await readLock(lock), {
    cacheDir: imageDirectoryOf({ env: host.env }),
    ...options,
  });
}

function mediaText({ image, answers, archives, sizeBytes, packages, installer, added, setup }: MediaResult): string {
  const program = installer === null ? '' : `, \`${installer}\``;
  const others = added.length === 0 ? '' : `, ${countText(added.length, 'file')} added`;
  const answersLine =
    answers === null
      ? ''
      : `\`${answers.path}\`: ${countText(answers.files, 'file')} of answers; read back: identical\n`;
  return (
    `\`${image.path}\`: ${countText(archives, 'archive')}, ${sizeText(sizeBytes)}; index of ` +
    `${countText(packages, 'package')}${program}${others}; read back: identical\n${answersLine}${setupText(setup)}`
  );
}
