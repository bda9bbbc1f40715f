import { randomUUID } from 'node:crypto';
import { link, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { diskFault, hasCode } from './fault.ts';

/** How often the holder of a lock says that it is alive, by the time of the file. */
const HEARTBEAT_MS = 10_000;

/** After so long a silence the holder on another computer is taken for dead. */
const SILENCE_MS = 120_000;

const POLL_MS = 100;

/** Names the file that guards the removal of a dead holder's lock: `.cygstrap/lock.breaking`. It lives for two system calls. */
const BREAKING_SUFFIX = '.breaking';
const BREAKING_MS = 5_000;

/** Who holds a lock, as its file says. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** When the process started, in the system's own count; tells it from a later one with its number. Empty where unknown. */
  readonly start: string;
  readonly token: string;
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once, when another process has the lock. */
  readonly onWait?: (holder: LockHolder | undefined) => void;
}

/** Takes the lock of a repo, waiting for whoever has it. The file appears with its content in one step (hard link, where the file
 *  system has them), and one whose holder is dead is removed: by the process number on this computer, after two minutes
 *  without a sign of life on another one. A lock taken twice in one process waits for itself.
 *  Throws `io`, and the signal's reason. */
export async function takeRepoLock(
  path: string,
  { signal, onWait }: LockOptions = {},
): Promise<{ release(): Promise<void> }> {
  const own: LockHolder = {
    pid: process.pid,
    host: hostname(),
    start: await startOf(process.pid),
    token: randomUUID(),
  };
  try {
    for (let hasTold = false; !(await create(path, own));) {
      signal?.throwIfAborted();
      const holder = await readHolder(path);
      if (holder === 'gone' || ((await isDead(path, holder)) && (await breakLock(path, holder)))) continue;
      if (!hasTold) onWait?.(holder === 'unreadable' ? undefined : holder);
      hasTold = true;
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  } catch (error) {
    throw diskFault(error, 'lock the repo with', path);
  }
  await removeDrafts(path);
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, HEARTBEAT_MS).unref();
  return {
    async release() {
      clearInterval(heartbeat);
      const holder = await readHolder(path);
      if (typeof holder === 'object' && holder.token === own.token) await rm(path, { force: true });
    },
  };
}

/** Whether a living process holds the lock at `path`. Throws errors of the system. */
export async function isHeld(path: string): Promise<boolean> {
  const holder = await readHolder(path);
  return holder !== 'gone' && !(await isDead(path, holder));
}

async function create(path: string, own: LockHolder): Promise<boolean> {
  const draft = `${path}.${own.token}`;
  const text = JSON.stringify(own);
  try {
    await writeFile(draft, text, { flag: 'wx' });
    await link(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR')) throw error;
    // No hard links here (FAT): readers may see the file empty for a moment, which counts as alive.
    return await writeFile(path, text, { flag: 'wx' }).then(
      () => true,
      (again: unknown) => {
        if (hasCode(again, 'EEXIST')) return false;
        throw again;
      },
    );
  } finally {
    await rm(draft, { force: true });
  }
}

/** Removes what processes left that were killed while they made their lock. */
async function removeDrafts(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    const draft = join(dirname(path), name);
    if (!name.startsWith(prefix) || name.endsWith(BREAKING_SUFFIX)) continue;
    const holder = await readHolder(draft).catch(() => 'gone' as const);
    if (holder !== 'gone' && (await isDead(draft, holder))) await rm(draft, { force: true }).catch(() => undefined);
  }
}

async function readHolder(path: string): Promise<LockHolder | 'gone' | 'unreadable'> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'gone';
    throw error;
  }
  try {
    const { pid, host, start, token } = JSON.parse(text) as Partial<LockHolder>;
    if (typeof pid === 'number' && typeof host === 'string' && typeof start === 'string' && typeof token === 'string')
      return { pid, host, start, token };
  } catch {
    // Falls through: half written, or not ours.
  }
  return 'unreadable';
}

async function isDead(path: string, holder: LockHolder | 'unreadable'): Promise<boolean> {
  if (holder !== 'unreadable' && holder.host === hostname()) {
    try {
      process.kill(holder.pid, 0);
    } catch (error) {
      return hasCode(error, 'ESRCH');
    }
    return holder.start !== '' && holder.start !== (await startOf(holder.pid));
  }
  const seen = await stat(path).catch(() => undefined);
  return seen !== undefined && Date.now() - seen.mtimeMs > SILENCE_MS;
}

/** Removes the lock of a dead holder; false when someone else is at it. Only who holds the second file may remove the first,
 *  so that nobody takes away a lock that was made anew in the meantime. */
async function breakLock(path: string, dead: LockHolder | 'unreadable'): Promise<boolean> {
  const guard = `${path}${BREAKING_SUFFIX}`;
  try {
    await writeFile(guard, '', { flag: 'wx' });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    const seen = await stat(guard).catch(() => undefined);
    if (seen !== undefined && Date.now() - seen.mtimeMs > BREAKING_MS) await rm(guard, { force: true });
    return false;
  }
  try {
    const holder = await readHolder(path);
    const isSame =
      typeof holder === 'object' && typeof dead === 'object' ? holder.token === dead.token : holder === dead;
    if (isSame) await rm(path, { force: true });
    return isSame;
  } finally {
    await rm(guard, { force: true });
  }
}

/** When a process started, from field 22 of its line in /proc; empty where there is none. */
async function startOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field, the program's name, may itself have blanks and parentheses.
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
