import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { replaceFile } from '../io/atomic-file.ts';
import { CygstrapError } from '../errors.ts';
import { isLockHeld, acquireLock } from '../io/lock-file.ts';
import { isRunDirectory, makeRunDirectory } from '../vm/run-directory.ts';
import { RUN_LINK, STAGES, STAGE_FILES, USES_FILE, stagePath } from './layout.ts';
import type { StageName, VmPlaces } from './layout.ts';
import { readManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';

/** A directory that is ours until it is disposed of; others see that somebody alive is at it, and which stages that one uses. */
export interface WorkDirectory extends AsyncDisposable {
  /** Below all stages, so that what is made in it can be moved to its place. */
  readonly path: string;
  /** Another one, with a short path, for sockets and passing files; it is never kept. */
  readonly run: string;
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
  const name = randomBytes(6).toString('hex');
  const path = join(places.work, name);
  await mkdir(places.locks, { recursive: true, mode: 0o700 });
  // Before the directory and after it: one that nobody holds is one that somebody left.
  const lock = await acquireLock(ownerPath(places, name));
  let isKept = false;
  const end = async (): Promise<void> => {
    const run = await readlink(join(path, RUN_LINK)).catch(() => undefined);
    if (run !== undefined) await rm(run, { recursive: true, force: true });
    if (isKept) await rm(join(path, RUN_LINK), { force: true });
    else await rm(path, { recursive: true, force: true });
    await lock.release();
  };
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await writeFile(join(path, USES_FILE), uses.map(({ stage, key }) => `${stage} ${key}\n`).join(''));
    const run = await makeRunDirectory();
    await symlink(run.path, join(path, RUN_LINK));
    return { path, run: run.path, keep: () => void (isKept = true), [Symbol.asyncDispose]: end };
  } catch (cause) {
    await end();
    throw new CygstrapError('io', `cannot make a directory to work in: \`${path}\``, { cause });
  }
}

/** Does something that one process at a time may do with a stage. `onWait` is called when somebody else is at it. */
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

/** Finds a published stage. Throws `io`. */
export async function findStage(places: VmPlaces, { stage, key }: StageUse): Promise<Manifest | undefined> {
  return readManifest(stagePath(places, stage, key), stage);
}

/** Puts what was made in a work directory in the place of the stage, whole: it is on the disk before it has its name. What lies there,
 *  incomplete, is removed first. Throws `io`, and nothing is published then. */
export async function publishStage(places: VmPlaces, work: WorkDirectory, manifest: Manifest): Promise<void> {
  const { stage, key } = manifest;
  const target = stagePath(places, stage, key);
  try {
    await rm(join(work.path, USES_FILE), { force: true });
    await writeFile(join(work.path, STAGE_FILES.manifest), `${JSON.stringify(manifest, undefined, 2)}\n`, {
      mode: 0o600,
    });
    for (const entry of await readdir(work.path, { withFileTypes: true }))
      if (entry.isFile()) await sync(join(work.path, entry.name));
    await sync(work.path);
    const run = await readlink(join(work.path, RUN_LINK));
    await rm(run, { recursive: true, force: true });
    await rm(join(work.path, RUN_LINK));
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
  return Promise.all(
    names.map(async (name) => ({ path: join(places.work, name), isAlive: await isLockHeld(ownerPath(places, name)) })),
  );
}

/** Everything that somebody left who is dead: work directories, stages half removed, consoles of runs that failed. */
export async function listLeftovers(places: VmPlaces): Promise<string[]> {
  const work = (await listWork(places)).flatMap(({ path, isAlive }) => (isAlive ? [] : [path]));
  const asides: string[] = [];
  for (const stage of STAGES) {
    for (const name of await namesIn(join(places.root, stage))) {
      const [, key] = /^\.(\w+)\./.exec(name) ?? [];
      if (key !== undefined && !(await isLockHeld(join(places.locks, `${stage}-${key}`))))
        asides.push(join(places.root, stage, name));
    }
  }
  const logs: string[] = [];
  for (const name of await namesIn(places.logs)) {
    const [, owner] = /^run-(\w+)\.console\.log$/.exec(name) ?? [];
    if (owner !== undefined && !(await isLockHeld(ownerPath(places, owner)))) logs.push(join(places.logs, name));
  }
  return [...work, ...asides, ...logs];
}

/** Removes one of these; of a work directory also what it has elsewhere. */
export async function removeLeftover(places: VmPlaces, path: string): Promise<void> {
  const run = await readlink(join(path, RUN_LINK)).catch(() => undefined);
  if (run !== undefined && isRunDirectory(run)) await rm(run, { recursive: true, force: true });
  await rm(path, { recursive: true, force: true });
  if (dirname(path) === places.work) await rm(ownerPath(places, basename(path)), { force: true });
}

function ownerPath({ locks }: VmPlaces, name: string): string {
  return join(locks, `work-${name}`);
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
