import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { isHeld, takeRepoLock } from '../mirror/disk/repo-lock.ts';
import { OWNER_FILE, STAGE_FILES, USES_FILE, stagePath } from './layout.ts';
import type { StageName, VmPlaces } from './layout.ts';
import { readManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';

/** A directory that is ours until it is disposed of; others see that somebody alive is at it, and which stages that one uses. */
export interface WorkDirectory extends AsyncDisposable {
  readonly path: string;
  /** Leaves the directory where it is when it is disposed of. */
  keep(): void;
}

/** Names a stage in use. */
export interface StageUse {
  readonly stage: StageName;
  readonly key: string;
}

/** Makes a directory of our own below `work`, private to us. While it is there the stages in `uses` are not removed. Throws `io`. */
export async function openWork(places: VmPlaces, uses: readonly StageUse[] = []): Promise<WorkDirectory> {
  const path = join(places.work, randomBytes(6).toString('hex'));
  await mkdir(path, { recursive: true, mode: 0o700 });
  const lock = await takeRepoLock(join(path, OWNER_FILE));
  await writeFile(join(path, USES_FILE), uses.map(({ stage, key }) => `${stage} ${key}\n`).join(''));
  let isKept = false;
  return {
    path,
    keep: () => {
      isKept = true;
    },
    [Symbol.asyncDispose]: async () => {
      await lock.release();
      if (!isKept) await rm(path, { recursive: true, force: true });
    },
  };
}

/** Does something that one process at a time may do with a stage. `onWait` is called when somebody else is at it. */
export async function withStageLock<T>(places: VmPlaces, { stage, key }: StageUse, options: { readonly signal?: AbortSignal | undefined; readonly onWait?: (pid: number | undefined) => void }, work: () => Promise<T>): Promise<T> {
  await mkdir(places.locks, { recursive: true, mode: 0o700 });
  const { signal, onWait } = options;
  const lock = await takeRepoLock(join(places.locks, `${stage}-${key}`), { signal, onWait: (holder) => onWait?.(holder?.pid) });
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** Finds a published stage. Throws `io`. */
export async function findStage(places: VmPlaces, { stage, key }: StageUse): Promise<Manifest | undefined> {
  return readManifest(stagePath(places, stage, key), stage);
}

/** Puts what was made in a work directory in the place of the stage, whole. What lies there, incomplete, is removed first. */
export async function publishStage(places: VmPlaces, work: WorkDirectory, manifest: Manifest): Promise<void> {
  const target = stagePath(places, manifest.stage, manifest.key);
  for (const name of [OWNER_FILE, USES_FILE]) await rm(join(work.path, name), { force: true });
  await using file = await open(join(work.path, STAGE_FILES.manifest), 'w', 0o600);
  await file.writeFile(`${JSON.stringify(manifest, undefined, 2)}\n`);
  await file.sync();
  await mkdir(join(places.root, manifest.stage), { recursive: true, mode: 0o700 });
  await rm(target, { recursive: true, force: true });
  await rename(work.path, target);
}

/** Every stage that somebody alive uses. Throws `io`. */
export async function stagesInUse(places: VmPlaces): Promise<StageUse[]> {
  const uses: StageUse[] = [];
  for (const { path, isAlive } of await listWork(places)) {
    if (!isAlive) continue;
    const text = await readFile(join(path, USES_FILE), 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const [stage, key] = line.split(' ');
      if ((stage === 'install' || stage === 'snapshot') && key !== undefined) uses.push({ stage, key });
    }
  }
  return uses;
}

/** Every work directory, and whether its owner lives. */
export async function listWork(places: VmPlaces): Promise<{ readonly path: string; readonly isAlive: boolean }[]> {
  const names = await namesIn(places.work);
  return Promise.all(names.map(async (name) => ({ path: join(places.work, name), isAlive: await isHeld(join(places.work, name, OWNER_FILE)) })));
}

/** Names in a directory, sorted; none where there is no directory. Throws `io`. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw new CygstrapError('io', `cannot read the directory \`${path}\``, { cause });
  }
}
