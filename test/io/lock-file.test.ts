import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { acquireLock, isLockHeld } from '../../src/io/lock-file.ts';
import type { LockHolder, LockTiming } from '../../src/io/lock-file.ts';

const HOUR_S = 3_600;
const FAST: LockTiming = { heartbeatMs: 5, staleMs: 20 };

function lockPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'cygstrap-lock-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'lock');
}

/** The holder as this process writes it. */
async function ownHolder(): Promise<LockHolder> {
  const path = lockPath();
  const lock = await acquireLock(path);
  const holder = JSON.parse(readFileSync(path, 'utf8')) as LockHolder;
  await lock.release();
  return holder;
}

/** Writes a lock file as another process would, last updated `ageS` seconds ago. */
function writeLock(path: string, content: LockHolder | string, ageS = 0): void {
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  const timeS = Date.now() / 1000 - ageS;
  utimesSync(path, timeS, timeS);
}

/** Acquires the lock; returns the holder it first waits for, or `free` if it does not wait. Gives up when it waits. */
async function tryAcquire(path: string): Promise<LockHolder | 'free' | undefined> {
  const abort = new AbortController();
  let waitedFor: LockHolder | 'free' | undefined = 'free';
  const onWait = (holder: LockHolder | undefined): void => {
    waitedFor = holder;
    abort.abort(new Error('it waits'));
  };
  const lock = await acquireLock(path, { signal: abort.signal, onWait }).catch((error: unknown) => {
    expect(error).toBe(abort.signal.reason);
  });
  await lock?.release();
  return waitedFor;
}

test('a lock exists while it is held, and no other file remains', async () => {
  const path = lockPath();
  const lock = await acquireLock(path);
  expect(await isLockHeld(path)).toBe(true);
  expect(readdirSync(join(path, '..'))).toEqual(['lock']);
  await lock.release();
  expect(await isLockHeld(path)).toBe(false);
  expect(readdirSync(join(path, '..'))).toEqual([]);
});

test('a second caller waits until the lock is released', async () => {
  const path = lockPath();
  const first = await acquireLock(path);
  let holder: LockHolder | undefined;
  const order: string[] = [];
  const second = acquireLock(path, {
    onWait: (one) => {
      holder = one;
      order.push('waiting');
      void first.release().then(() => order.push('released'));
    },
  });
  await (await second).release();
  expect(holder?.pid).toBe(process.pid);
  expect(order[0]).toBe('waiting');
});

test('the holder updates the time of the lock file', async () => {
  const path = lockPath();
  const lock = await acquireLock(path, { timing: FAST });
  utimesSync(path, 1, 1);
  await expect.poll(() => statSync(path).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
  await lock.release();
});

test('a holder that lost its lock neither updates nor removes that of another process', async () => {
  const path = lockPath();
  const lock = await acquireLock(path, { timing: FAST });
  writeLock(path, { ...(await ownHolder()), token: 'other' }, HOUR_S);
  const { mtimeMs } = statSync(path);
  // Its heartbeat has come around when that of a later lock has.
  const later = `${path}-later`;
  const second = await acquireLock(later, { timing: FAST });
  utimesSync(later, 1, 1);
  await expect.poll(() => statSync(later).mtimeMs).toBeGreaterThan(1_000_000);
  await second.release();
  await lock.release();
  expect(statSync(path).mtimeMs).toBe(mtimeMs);
});

test('the lock of a process that has ended is replaced at once', async () => {
  const path = lockPath();
  writeLock(path, { ...(await ownHolder()), pid: 2 ** 22 + 1, token: 'other' });
  expect(await isLockHeld(path)).toBe(false);
  expect(await tryAcquire(path)).toBe('free');
});

test.skipIf(process.platform !== 'linux')(
  'a process that got the number of the holder later does not hold the lock (skipped without /proc)',
  async () => {
    const path = lockPath();
    writeLock(path, { ...(await ownHolder()), start: '1', token: 'other' });
    expect(await isLockHeld(path)).toBe(false);
    expect(await tryAcquire(path)).toBe('free');
  },
);

test.skipIf(process.platform !== 'linux')(
  'a running holder keeps its lock however old it is, as after a suspend (skipped without /proc)',
  async () => {
    const path = lockPath();
    const holder = { ...(await ownHolder()), token: 'other' };
    writeLock(path, holder, HOUR_S);
    expect(await isLockHeld(path)).toBe(true);
    expect(await tryAcquire(path)).toEqual(holder);
  },
);

const unprovable: [string, (own: LockHolder) => LockHolder | string][] = [
  ['whose process number is in use, without a start time', (own) => ({ ...own, start: '', token: 'other' })],
  ['of a container with the same host name', (own) => ({ ...own, pid: 2 ** 22 + 1, processScope: 'other' })],
  ['of another host', (own) => ({ ...own, host: 'other', processScope: 'other' })],
  ['of a version without process scopes', (own) => JSON.stringify({ ...own, processScope: undefined })],
  ['that is empty', () => ''],
  ['that is half written', () => '{"pid":1,'],
];

test.each(unprovable)('a lock %s counts as held while it is updated', async (_name, change) => {
  const path = lockPath();
  writeLock(path, change(await ownHolder()));
  expect(await isLockHeld(path)).toBe(true);
  expect(await tryAcquire(path)).not.toBe('free');
  expect(existsSync(path)).toBe(true);
});

test.each(unprovable)('a lock %s is stale once it has not been updated for a minute', async (_name, change) => {
  const path = lockPath();
  writeLock(path, change(await ownHolder()), HOUR_S);
  expect(await isLockHeld(path)).toBe(false);
  const lock = await acquireLock(path, { timing: { heartbeatMs: 5, staleMs: 60_000 } });
  expect(await isLockHeld(path)).toBe(true);
  await lock.release();
});

test('an old lock that is updated while it is observed is held', async () => {
  const [path, left] = [lockPath(), lockPath()];
  const timing: LockTiming = { heartbeatMs: 20, staleMs: 60_000 };
  const other = { ...(await ownHolder()), start: '', token: 'other' };
  writeLock(path, other, HOUR_S);
  writeLock(left, other, HOUR_S);
  let isHeldMeanwhile = false;
  const acquireOther = async (): Promise<void> => {
    const replaced = await acquireLock(left, { timing });
    isHeldMeanwhile = readFileSync(path, 'utf8') === JSON.stringify(other);
    await replaced.release();
    rmSync(path);
  };
  const lock = await acquireLock(path, {
    timing,
    onWait: () => {
      writeLock(path, other);
      // A lock that nobody updates is replaced in the meantime.
      void acquireOther();
    },
  });
  await lock.release();
  expect(isHeldMeanwhile).toBe(true);
});

test('a lock from the future is stale when it does not change', async () => {
  const path = lockPath();
  writeLock(path, { ...(await ownHolder()), start: '', token: 'other' }, -HOUR_S);
  let isReported = false;
  const lock = await acquireLock(path, { timing: FAST, onWait: () => (isReported = true) });
  expect(isReported).toBe(true);
  await lock.release();
});

test('temporary files of killed processes are removed', async () => {
  const path = lockPath();
  writeLock(`${path}.left`, { ...(await ownHolder()), pid: 2 ** 22 + 1 });
  writeLock(`${path}.empty`, '', HOUR_S);
  const lock = await acquireLock(path);
  expect(readdirSync(join(path, '..'))).toEqual(['lock']);
  await lock.release();
});

test('a directory that does not exist is an `io` error', async () => {
  await expect(acquireLock(join(lockPath(), 'x/lock'))).rejects.toMatchObject({ code: 'io' });
});
