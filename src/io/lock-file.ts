import { randomUUID } from 'node:crypto';
import { link, readFile, readdir, readlink, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, ioError } from './system-error.ts';

/** Times of the protocol, in milliseconds. All processes that share a lock must use the same. */
export interface LockTiming {
  /** How often the holder updates the modification time of its lock file. */
  readonly heartbeatMs: number;
  /** A lock file without an update for this long is stale, unless its holder is known to be running. */
  readonly staleMs: number;
}

const TIMING: LockTiming = { heartbeatMs: 5_000, staleMs: 60_000 };

const POLL_MS = 100;

/** Suffix of the file that guards the removal of a stale lock: `.cygstrap/lock.breaking`. It exists for two system
 *  calls. */
const BREAKING_SUFFIX = '.breaking';
const BREAKING_MS = 5_000;

/** The content of a lock file. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** Identifies the set of process numbers that `pid` belongs to: boot and process namespace on Linux, the host
   *  elsewhere. Containers can share a host name, but not this. */
  readonly processScope: string;
  /** When the process started, in clock ticks after boot: distinguishes it from a later process with the same number.
   *  Empty on systems without /proc. */
  readonly start: string;
  /** Unique for each lock. */
  readonly token: string;
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if another process holds the lock; with undefined if the lock file is not readable. */
  readonly onWait?: (holder: LockHolder | undefined) => void;
  /** For tests. */
  readonly timing?: LockTiming;
}

export interface Lock {
  release(): Promise<void>;
}

/** Creates the lock file `path`, and waits while another process holds it. The file appears together with its
 *  content, by a hard link, where the file system supports them. The holder updates the modification time every few
 *  seconds. A lock is stale, and is replaced, when its process has ended or when the file has not been updated for
 *  a minute; only a process with the recorded start time counts as running. A lock is not reentrant: a second call
 *  in the same process waits. Throws `io` and the reason of the signal. */
export async function acquireLock(path: string, { signal, onWait, timing = TIMING }: LockOptions = {}): Promise<Lock> {
  const own: LockHolder = {
    pid: process.pid,
    host: hostname(),
    processScope: await processScope(),
    start: await startOf(process.pid),
    token: randomUUID(),
  };
  const watch = new Watch(timing);
  try {
    for (let isReported = false; !(await create(path, own));) {
      signal?.throwIfAborted();
      const found = await look(path);
      if (found === undefined || ((await watch.isStale(found)) && (await breakLock(path, found)))) continue;
      if (!isReported) onWait?.(found.holder);
      isReported = true;
      await sleep(Math.min(POLL_MS, timing.heartbeatMs), undefined, { signal }).catch(() => undefined);
    }
    await removeTemporaryFiles(path, timing);
  } catch (error) {
    throw ioError(error, 'create the lock file', path);
  }
  const heartbeat = setInterval(() => void refresh(path, own).catch(() => undefined), timing.heartbeatMs).unref();
  return {
    async release() {
      clearInterval(heartbeat);
      if (await isOwn(path, own)) await rm(path, { force: true });
    },
  };
}

/** Returns whether a running process holds the lock at `path`. Throws errors of the system. */
export async function isLockHeld(path: string): Promise<boolean> {
  const found = await look(path);
  return found !== undefined && !(await isStale(found, TIMING));
}

/** Removes the lock file at `path` if it is stale, as the next process that needs the lock would. Throws errors of
 *  the system. */
export async function removeStaleLock(path: string): Promise<void> {
  const found = await look(path);
  if (found !== undefined && (await isStale(found, TIMING))) await breakLock(path, found);
}

async function create(path: string, own: LockHolder): Promise<boolean> {
  const temporary = `${path}.${own.token}`;
  const text = JSON.stringify(own);
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await link(temporary, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR', 'EMLINK', 'EXDEV')) throw error;
    // No hard links on this file system (FAT, some network file systems): readers can see an empty file for a moment,
    // which is not stale.
    return await writeFile(path, text, { flag: 'wx' }).then(
      () => true,
      (again: unknown) => {
        if (hasCode(again, 'EEXIST')) return false;
        throw again;
      },
    );
  } finally {
    await rm(temporary, { force: true });
  }
}

async function refresh(path: string, own: LockHolder): Promise<void> {
  if (!(await isOwn(path, own))) return;
  const now = new Date();
  await utimes(path, now, now);
}

/** False after another process has replaced the lock. */
async function isOwn(path: string, own: LockHolder): Promise<boolean> {
  return (await look(path))?.holder?.token === own.token;
}

/** Removes the temporary files of processes that were killed while they created the lock. */
async function removeTemporaryFiles(path: string, timing: LockTiming): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    const temporary = join(dirname(path), name);
    if (!name.startsWith(prefix) || name.endsWith(BREAKING_SUFFIX)) continue;
    const found = await look(temporary).catch(() => undefined);
    if (found !== undefined && (await isStale(found, timing)))
      await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** A lock file as it was at one moment. */
interface LockState {
  /** Undefined if the content is not that of a lock: half written, or made by another program. */
  readonly holder: LockHolder | undefined;
  readonly mtimeMs: number;
}

/** Returns undefined if there is no file. */
async function look(path: string): Promise<LockState | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    return { holder: parseHolder(await readFile(path, 'utf8')), mtimeMs };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const { pid, host, processScope: scope, start, token } = JSON.parse(text) as Partial<LockHolder>;
    const isComplete = [host, scope, start, token].every((each) => typeof each === 'string');
    return typeof pid === 'number' && isComplete
      ? ({ pid, host, processScope: scope, start, token } as LockHolder)
      : undefined;
  } catch {
    return undefined;
  }
}

function isSame(a: LockState, b: LockState): boolean {
  return a.holder?.token === b.holder?.token && a.mtimeMs === b.mtimeMs;
}

/** Observes one lock while a process waits for it. */
class Watch {
  readonly #timing: LockTiming;
  #first: { readonly state: LockState; readonly atMs: number } | undefined;

  constructor(timing: LockTiming) {
    this.#timing = timing;
  }

  /** Returns whether the lock is stale. A lock whose age alone says so gets the time for one more heartbeat: after
   *  a suspend of the computer its holder may be about to update it. A lock that does not change while it is
   *  observed is stale even if its time lies in the future, which happens when clocks differ. */
  async isStale(state: LockState): Promise<boolean> {
    const life = await lifeOf(state.holder);
    if (life !== 'unknown') return life === 'ended';
    if (this.#first === undefined || !isSame(this.#first.state, state))
      this.#first = { state, atMs: performance.now() };
    const observedMs = performance.now() - this.#first.atMs;
    const { staleMs, heartbeatMs } = this.#timing;
    return observedMs > staleMs || (Date.now() - state.mtimeMs > staleMs && observedMs > heartbeatMs);
  }
}

async function isStale({ holder, mtimeMs }: LockState, { staleMs }: LockTiming): Promise<boolean> {
  const life = await lifeOf(holder);
  return life === 'unknown' ? Date.now() - mtimeMs > staleMs : life === 'ended';
}

/** Returns what the process table says about the holder. A process with its number proves nothing unless it started
 *  at the recorded time. */
async function lifeOf(holder: LockHolder | undefined): Promise<'running' | 'ended' | 'unknown'> {
  if (holder === undefined || holder.processScope === '' || holder.processScope !== (await processScope()))
    return 'unknown';
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return 'ended';
  }
  const start = await startOf(holder.pid);
  if (holder.start === '' || start === '') return 'unknown';
  return start === holder.start ? 'running' : 'ended';
}

/** Removes a stale lock; returns false if it has changed, or while another process removes it. Only the owner of
 *  the second file may remove the first, so that a lock that was created in the meantime stays. */
async function breakLock(path: string, stale: LockState): Promise<boolean> {
  const guard = `${path}${BREAKING_SUFFIX}`;
  try {
    await writeFile(guard, '', { flag: 'wx' });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    const left = await look(guard);
    if (left !== undefined && Date.now() - left.mtimeMs > BREAKING_MS) await rm(guard, { force: true });
    return false;
  }
  try {
    const found = await look(path);
    const isUnchanged = found !== undefined && isSame(found, stale);
    if (isUnchanged) await rm(path, { force: true });
    return isUnchanged;
  } finally {
    await rm(guard, { force: true });
  }
}

let scope: Promise<string> | undefined;

function processScope(): Promise<string> {
  return (scope ??= readProcessScope());
}

async function readProcessScope(): Promise<string> {
  if (process.platform !== 'linux') return hostname();
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${boot.trim()} ${await readlink('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

/** Returns when a process started: field 22 of its line in /proc; empty without /proc. */
async function startOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field, the name of the program, can contain blanks and parentheses.
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
