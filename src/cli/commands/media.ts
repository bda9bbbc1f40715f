import type { Argv } from 'yargs';
import type { Report } from '../../events.ts';
import type { Answers, MediaResult } from '../../api/media.ts';
import { LOCK_NAME } from '../../core/lock/lock.ts';
import { countText, printable, sizeText } from '../../report/text.ts';
import { EXIT_DONE } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { once } from '../options.ts';
import { reporter } from '../session.ts';
import type { Choose, Loudness, Session } from '../session.ts';

interface MediaArguments extends Loudness {
  readonly repo: string;
  readonly lock: string;
  readonly out: string;
  readonly add?: readonly string[] | undefined;
  readonly keyring?: readonly string[] | undefined;
  readonly guest?: string | undefined;
  readonly authorizedKey?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Adds `cygstrap media`. */
export function addMedia(yargs: Argv, choose: Choose): Argv {
  const word = { type: 'string', requiresArg: true } as const;
  const list = { ...word, array: true } as const;
  return yargs.command(
    'media',
    'Write an ISO image of what a lock lists, from which setup installs in a machine without network',
    (y) =>
      y
        .option('repo', {
          ...word,
          demandOption: true,
          coerce: (value: string | readonly string[]) => once('repo')(value) ?? '',
          describe: 'Directory of the repo',
        })
        .option('lock', {
          ...word,
          coerce: once('lock'),
          describe: `The lock whose archives are wanted [default: ${LOCK_NAME}]`,
        })
        .option('out', {
          ...word,
          demandOption: true,
          coerce: (value: string | readonly string[]) => once('out')(value) ?? '',
          describe: 'Directory for repo.iso',
        })
        .option('add', {
          ...list,
          describe: 'A file or directory to put on the image too, as FILE or FILE=PATH; repeat for several',
        })
        .option('keyring', { ...list, describe: 'Trust the keys in this file too, for the setup program of the repo' })
        .option('guest', {
          ...word,
          coerce: once('guest'),
          implies: 'authorized-key',
          describe: 'Also write answers.img, the floppy with which this kind of guest installs itself',
        })
        .option('authorized-key', {
          ...word,
          coerce: once('authorized-key'),
          implies: 'guest',
          describe: 'File with the public key of who may log in over ssh then',
        })
        .option('json', { type: 'boolean', group: 'Output:', describe: 'Print JSON; README tells its fields' })
        .option('quiet', { type: 'boolean', group: 'Output:', describe: 'Say nothing on stderr but errors' })
        .option('verbose', { type: 'boolean', group: 'Output:', describe: 'Tell on stderr what is done' })
        .example(
          '$0 media --repo ./repo --out ./media',
          'repo.iso with the archives, their index and the setup program',
        )
        .example(
          '$0 media --repo ./repo --out ./media --add install.cmd --add ./drivers=extra/drivers',
          'with files of your own',
        ),
    (args) => choose((session) => media(session, { ...args, lock: args.lock ?? LOCK_NAME })),
  );
}

async function media(session: Session, args: MediaArguments): Promise<number> {
  const { output, host } = session;
  const { makeMedia } = await import('../../api/media.ts');
  const { repo, lock, out, add = [], keyring = [] } = args;
  const report = reporter(output, args);
  const load = { env: host.env, report };
  const result = await interruptible(async (signal) => {
    const answers = await answersFor(session, args, { report, signal });
    return makeMedia(
      { repo, lock, out, add, keyring, ...(answers !== undefined && { answers }) },
      { load, report, signal },
    );
  });
  if (args.json === true) await output.json({ schema: (await import('../../report/json.ts')).SCHEMA, ...result });
  else await output.data(printable(mediaText(result)));
  return EXIT_DONE;
}

async function answersFor(
  { host }: Session,
  { guest, authorizedKey, lock }: MediaArguments,
  options: { readonly report: Report; readonly signal: AbortSignal },
): Promise<Answers | undefined> {
  if (guest === undefined || authorizedKey === undefined) return undefined;
  const { answersOf } = await import('../../api/media-answers.ts');
  const { guestCacheOf } = await import('../../api/vm-context.ts');
  const { readLock } = await import('../../api/lock-file.ts');
  return answersOf({ guest, authorizedKey }, await readLock(lock), {
    cacheDir: guestCacheOf({ environment: host.env }),
    ...options,
  });
}

function mediaText({ image, answers, archives, sizeBytes, packages, installer, added }: MediaResult): string {
  const setup = installer === null ? '' : `, \`${installer}\``;
  const others = added.length === 0 ? '' : `, ${countText(added.length, 'file')} added`;
  return `\`${image.path}\`: ${countText(archives, 'archive')}, ${sizeText(sizeBytes)}; index of ${countText(packages, 'package')}${setup}${others}; read back: the same\n${answers === null ? '' : `\`${answers.path}\`: ${countText(answers.files, 'file')} of answers; read back: the same\n`}`;
}
