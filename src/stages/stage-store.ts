import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { removeOldTemporaries, replaceFile } from '../io/atomic-file.ts';
import { exists, namesIn } from '../io/directories.ts';
import { acquireLock, isLockHeld, removeStaleLock } from '../io/lock-file.ts';
import { makeRunDirectory, removeAbandonedRunDirectories } from '../vm/run-directory.ts';
import type { RunDirectory } from '../vm/run-directory.ts';
import { ioError } from '../io/system-error.ts';
import { RUN_LINK, STAGES, STAGE_FILES, USES_FILE, stagePath } from './layout.ts';
import type { StageName, VmPlaces } from './layout.ts';
import { readManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';

/** A private directory with a lock. Other processes see that its owner is running, and which stages it uses. Disposing
 *  removes it. */
export interface WorkDirectory extends AsyncDisposable {
  /** On the file system of the stages, so that a finished stage can be renamed to its place. */
  readonly path: string;
  /** A second directory with a short path, for sockets and temporary files; always removed. */
  readonly run: string;
  /** Keeps the directory after disposal. */
  keep(): void;
}

/** Names a stage in use. */
export interface StageUse {
  readonly stage: StageName;
  readonly key: string;
}

/** Creates a directory below `work` that only this user can read. While it exists, the stages in `uses` are not
 *  removed. Throws `io`. */
export async function openWork(places: VmPlaces, uses: readonly StageUse[] = []): Promise<WorkDirectory> {
  const name = randomBytes(6).toString('hex');
  const path = join(places.work, name);
  await mkdir(places.locks, { recursive: true, mode: 0o700 });
  // The lock is created before the directory and released after its removal: a directory without a lock is left over.
  const lock = await acquireLock(ownerPath(places, name));
  let isKept = false;
  let run: RunDirectory | undefined;
  const end = async (): Promise<void> => {
    await run?.[Symbol.asyncDispose]();
    if (isKept) await rm(join(path, RUN_LINK), { force: true });
    else await rm(path, { recursive: true, force: true });
    await lock.release();
  };
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await writeFile(join(path, USES_FILE), uses.map(({ stage, key }) => `${stage} ${key}\n`).join(''));
    run = await makeRunDirectory();
    await symlink(run.path, join(path, RUN_LINK));
    return { path, run: run.path, keep: () => void (isKept = true), [Symbol.asyncDispose]: end };
  } catch (cause) {
    await end();
    throw new CygstrapError('io', `cannot create the work directory \`${path}\``, { cause });
  }
}

/** Runs `work` while this process holds the lock of a stage. `onWait` is called once if another process holds it.
 *  Throws `io`, the reason of the signal, and what `work` throws. */
export async function withStageLock<T>(
  places: VmPlaces,
  { stage, key }: StageUse,
  options: { readonly signal?: AbortSignal | undefined; readonly onWait?: (pid: number | undefined) => void },
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(places.locks, { recursive: true, mode: 0o700 });
  const { signal, onWait } = options;
  const lock = await acquireLock(join(places.locks, `${stage}-${key}`), {
    signal,
    onWait: (holder) => onWait?.(holder?.pid),
  });
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** Returns the manifest of a published stage, or undefined if there is none. Throws `io` for a damaged stage. */
export async function findStage(places: VmPlaces, { stage, key }: StageUse): Promise<Manifest | undefined> {
  return readManifest(stagePath(places, stage, key), stage, key);
}

/** A directory of a stage: complete with its manifest, or damaged with the error of reading it. */
export type StageEntry =
  | (StageUse & { readonly manifest: Manifest })
  | (StageUse & { readonly manifest?: undefined; readonly damage: CygstrapError });

/** Lists all stages with these names, damaged ones too, by name and key. Throws `io`. */
export async function listStageEntries(places: VmPlaces, stages: readonly StageName[] = STAGES): Promise<StageEntry[]> {
  const found: StageEntry[] = [];
  for (const stage of stages) {
    for (const key of await sortedNamesIn(join(places.root, stage))) {
      // The name of a stage that is being removed starts with a dot.
      if (key.startsWith('.')) continue;
      try {
        const manifest = await findStage(places, { stage, key });
        if (manifest !== undefined) found.push({ stage, key, manifest });
      } catch (damage) {
        if (!(damage instanceof CygstrapError)) throw damage;
        found.push({ stage, key, damage });
      }
    }
  }
  return found;
}

/** Publishes a work directory as a stage: syncs it to the disk, then renames it. Replaces a damaged stage. Throws `io`;
 *  then nothing is published. */
export async function publishStage(places: VmPlaces, work: WorkDirectory, manifest: Manifest): Promise<void> {
  const { stage, key } = manifest;
  const target = stagePath(places, stage, key);
  try {
    for (const name of [USES_FILE, RUN_LINK]) await rm(join(work.path, name), { force: true });
    await writeFile(join(work.path, STAGE_FILES.manifest), `${JSON.stringify(manifest, undefined, 2)}\n`, {
      mode: 0o600,
    });
    for (const entry of await readdir(work.path, { withFileTypes: true }))
      if (entry.isFile()) await sync(join(work.path, entry.name));
    await sync(work.path);
    await mkdir(join(places.root, stage), { recursive: true, mode: 0o700 });
    await rm(target, { recursive: true, force: true });
    await replaceFile(work.path, target);
    await sync(join(places.root, stage));
  } catch (cause) {
    throw new CygstrapError('io', `cannot publish ${stage} ${key}`, { cause });
  }
}

async function sync(path: string): Promise<void> {
  await using file = await open(path, 'r');
  await file.sync();
}

/** Returns the stages that running processes use. Throws `io`. */
export async function stagesInUse(places: VmPlaces): Promise<StageUse[]> {
  const uses: StageUse[] = [];
  for (const { path, isRunning } of await listWork(places)) {
    if (!isRunning) continue;
    const text = await readFile(join(path, USES_FILE), 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const [stage, key] = line.split(' ');
      if ((stage === 'install' || stage === 'snapshot') && key !== undefined) uses.push({ stage, key });
    }
  }
  return uses;
}

/** Returns all work directories. `isRunning`: the process that owns it is running. Throws `io`. */
export async function listWork(places: VmPlaces): Promise<{ readonly path: string; readonly isRunning: boolean }[]> {
  const names = await sortedNamesIn(places.work);
  return Promise.all(
    names.map(async (name) => ({
      path: join(places.work, name),
      isRunning: await isLockHeld(ownerPath(places, name)),
    })),
  );
}

/** Returns the paths of what ended processes left: work directories, partly removed stages, console logs of failed
 *  runs, times of stages that do not exist. Throws `io`. */
export async function listLeftovers(places: VmPlaces): Promise<string[]> {
  const work = (await listWork(places)).flatMap(({ path, isRunning }) => (isRunning ? [] : [path]));
  const removedStages: string[] = [];
  for (const stage of STAGES) {
    for (const name of await sortedNamesIn(join(places.root, stage))) {
      const [, key] = /^\.(\w+)\./.exec(name) ?? [];
      if (key !== undefined && !(await isLockHeld(join(places.locks, `${stage}-${key}`))))
        removedStages.push(join(places.root, stage, name));
    }
  }
  const logs: string[] = [];
  for (const name of await sortedNamesIn(places.logs)) {
    const [, owner] = /^run-(\w+)\.console\.log$/.exec(name) ?? [];
    if (owner !== undefined && !(await isLockHeld(ownerPath(places, owner)))) logs.push(join(places.logs, name));
  }
  return [...work, ...removedStages, ...logs, ...(await timesWithoutStage(places))];
}

async function timesWithoutStage(places: VmPlaces): Promise<string[]> {
  const paths: string[] = [];
  for (const name of await sortedNamesIn(places.times)) {
    const [, activity, key] = /^(install|snapshot|run)-(\w+)$/.exec(name) ?? [];
    if (activity === undefined || key === undefined) continue;
    const stage = activity === 'install' ? 'install' : 'snapshot';
    const isMade = await isLockHeld(join(places.locks, `${stage}-${key}`));
    if (!isMade && !(await exists(stagePath(places, stage, key)))) paths.push(join(places.times, name));
  }
  return paths;
}

/** Age of a temporary file that no running process is still writing. */
const TEMPORARY_MS = 60 * 60_000;

/** Removes the small files that killed processes left: run directories, locks, and temporary files that are older than
 *  an hour. Keeps the work directories, which are removed whole when their owner has ended. Throws `io` and errors of
 *  the system. */
export async function removeSmallLeftovers({ root, work, locks }: VmPlaces, nowMs: number): Promise<void> {
  await removeAbandonedRunDirectories();
  for (const name of await sortedNamesIn(locks)) await removeStaleLock(join(locks, name));
  await removeOldTemporaries(root, { beforeMs: nowMs - TEMPORARY_MS, except: work });
}

function ownerPath({ locks }: VmPlaces, name: string): string {
  return join(locks, `work-${name}`);
}

/** Returns the names in a directory, sorted; none if it does not exist. Throws `io`. */
export async function sortedNamesIn(path: string): Promise<string[]> {
  try {
    return (await namesIn(path)).sort();
  } catch (error) {
    throw ioError(error, 'read the directory', path);
  }
}
