import { join, resolve } from 'node:path';
import type { SetupCall } from '../guest/kind.ts';
import type { Lock } from '../core/lock/lock.ts';
import { mediumDate } from '../media/date.ts';
import { writeFloppy } from '../media/floppy.ts';
import { writeIso } from '../media/iso.ts';
import type { IsoEntry } from '../media/iso.ts';
import type { WrittenImage } from '../media/written.ts';
import { placesOf } from '../repo/files/layout.ts';
import { layoutOf } from '../repo/repo.ts';
import type { ReadingContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { readLock } from './lock-file.ts';
import { verifiedArchives } from './lock-archives.ts';
import { additionsOf } from './media-additions.ts';
import { indexOfLock } from './media-index.ts';
import { installerOf } from './media-installer.ts';
import { setupCallOf, setupCommandOf } from './setup-command.ts';
import type { SetupCommand } from '../core/lock/setup-command.ts';
import { requireRepoDirectory } from './repo-directory.ts';
import { requireWindows } from './windows.ts';

/** File names of the images in the output directory. */
const REPO_IMAGE = 'repo.iso';
const ANSWER_IMAGES = { floppy: 'answers.img', iso: 'answers.iso' } as const;

/** The drive of the image in a Windows with one disk. */
const REPO_DRIVE = 'D:\\';

const REPO_LABEL = 'CYGSTRAP';
const ANSWERS_LABEL = 'ANSWERS';

/** Content of the answer medium of an unattended installation. */
export interface Answers {
  /** A floppy image, or an ISO image for guests that cannot read floppies. */
  readonly form: 'floppy' | 'iso';
  /** Returns the files by name; on an ISO image names can contain directories. The argument is undefined if the repo
   *  has no setup program. */
  readonly filesOf: (setup: SetupCall | undefined) => ReadonlyMap<string, Uint8Array>;
}

export interface MediaRequest {
  readonly repo: string;
  /** The lock file; by default `cygstrap.lock.json`. */
  readonly lock?: string | undefined;
  /** Output directory; created if missing. */
  readonly out: string;
  /** The Windows to install on: a kind or a version. By default that of the request of the lock. */
  readonly windows?: string | undefined;
  /** Further files: `HOST_PATH` or `HOST_PATH=PATH_ON_ISO`, see `additionsOf`. */
  readonly add?: readonly string[] | undefined;
  /** Files of keys that are trusted for the installer, besides the built-in keys. */
  readonly keyring?: readonly string[] | undefined;
  /** If absent, no answer medium is written. */
  readonly answers?: Answers | undefined;
}

export interface MediaResult {
  readonly repo: string;
  readonly lock: string;
  /** `repo.iso`. */
  readonly image: WrittenImage;
  /** Null if the request has no answers. */
  readonly answers: WrittenImage | null;
  /** Number and total size of the archives and sources of the lock. */
  readonly archives: number;
  readonly sizeBytes: number;
  /** Packages that the index of the image lists. */
  readonly packages: number;
  /** File name of the setup program, or null if the repo does not have it. */
  readonly installer: string | null;
  /** Paths of the further files on the image. */
  readonly added: readonly string[];
  /** The call of setup that installs the lock from the image in drive D; null if its index lacks packages. */
  readonly setup: SetupCommand | null;
}

/** Writes the media that a guest installs from. The ISO image has exactly the archives of a lock, each verified again,
 *  an index of them in the place where setup looks for it, the setup program if the repo has it (its signature is
 *  verified again), and further files. The answer medium is written if the request has answers. Equal input gives equal
 *  bytes. In the repo only the verification cache changes. Throws `verify` for damaged or missing archives, `repo` if
 *  the index does not list what the lock has, `lock` if it contradicts the lock, `windows` if the packages do not run
 *  on the Windows, `signature`, `usage` for missing additions, `media`, `tool`, and what reading locks and indexes
 *  throws. */
export async function makeMedia(request: MediaRequest, context: ReadingContext = {}): Promise<MediaResult> {
  const { report = () => {}, signal } = context;
  const { repo, out, lock: lockFile = DEFAULTS.lock, keyring = [] } = request;
  const lock = await readLock(lockFile);
  await requireRepoDirectory(repo);
  const { windows = lock.request.windows } = request;
  requireWindows(windows, lock);
  const root = resolve(repo);
  const places = placesOf(root, layoutOf(root));
  const files = await verifiedArchives(root, lock, signal);
  const { arch } = lock.request;
  const index = await indexOfLock({ file: lockFile, lock }, { places, files, context });
  requireWindows(windows, lock, { records: index.forSetup.records });
  const installer = await installerOf(places, arch, keyring);
  const program = installer === undefined ? undefined : `${REPO_DRIVE}${installer.name}`;
  const added = await additionsOf(request.add ?? []);
  const entries: IsoEntry[] = [
    ...files.map((file) => ({ kind: 'verified', file }) as const),
    ...[...index.files, ...(installer?.files ?? [])].map(
      ({ path, bytes }) => ({ kind: 'bytes', path, bytes }) as const,
    ),
    ...added.map(({ path, location }) => ({ kind: 'host', path, location }) as const),
  ];
  const paths = entries.flatMap((entry) => (entry.kind === 'verified' ? [] : [entry.path]));
  const answerFiles = request.answers?.filesOf(await setupCallOf(lock, index.forSetup, paths));
  const dateSeconds = mediumDate(dateOf(lock));
  report({ kind: 'note', message: `${files.length} archives verified; writing \`${join(out, REPO_IMAGE)}\`` });
  const image = await writeIso({ entries, label: REPO_LABEL, out: join(out, REPO_IMAGE), dateSeconds, signal });
  const answers =
    request.answers === undefined || answerFiles === undefined
      ? null
      : await writeAnswers({ form: request.answers.form, files: answerFiles }, { out, dateSeconds, signal });
  return {
    repo,
    lock: lockFile,
    image,
    answers,
    archives: files.length,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    packages: index.packages,
    installer: installer?.name ?? null,
    added: added.map(({ path }) => path),
    setup: await setupCommandOf(lock, index.forSetup, { kind: 'directory', path: REPO_DRIVE }, { program, keyring }),
  };
}

/** Returns the date of the newest index of a lock. */
function dateOf({ indexes }: Lock): number | null {
  const timestamps = indexes.flatMap(({ timestamp }) => timestamp ?? []);
  return timestamps.length === 0 ? null : Math.max(...timestamps);
}

async function writeAnswers(
  { form, files }: Pick<Answers, 'form'> & { readonly files: ReadonlyMap<string, Uint8Array> },
  { out, ...options }: { readonly out: string; readonly dateSeconds: number; readonly signal: AbortSignal | undefined },
): Promise<WrittenImage> {
  const shared = { label: ANSWERS_LABEL, out: join(out, ANSWER_IMAGES[form]), ...options };
  if (form === 'floppy') return writeFloppy({ files, ...shared });
  return writeIso({ entries: [...files].map(([path, bytes]) => ({ kind: 'bytes', path, bytes })), ...shared });
}
