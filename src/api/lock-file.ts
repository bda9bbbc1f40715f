import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { checkLock, differenceText } from '../core/lock/check.ts';
import { LOCK_FILE_NAME } from '../core/lock/lock.ts';
import type { Lock, LockRequest } from '../core/lock/lock.ts';
import { parseLock } from '../core/lock/parse.ts';
import { printLock } from '../core/lock/print.ts';
import { DEFAULT_WINDOWS } from '../core/resolve/request.ts';
import { quoteCommand } from '../io/quoting.ts';
import { readTextFile, writeTextFile } from '../io/text-file.ts';
import { DEFAULTS } from './defaults.ts';

/** Reads a lock file, by default `cygstrap.lock.json`. Throws `not-found`, `io`, and `lock` for an invalid lock. */
export async function readLock(file: string = LOCK_FILE_NAME): Promise<Lock> {
  const lock = await readLockIfPresent(file);
  if (lock === undefined)
    throw new CygstrapError('not-found', `no such lock: \`${file}\``, { hint: 'create it with `cygstrap lock`' });
  return lock;
}

/** Reads a lock file that can be missing. Throws `io`, and `lock` for an invalid lock. */
export async function readLockIfPresent(file: string): Promise<Lock | undefined> {
  const text = await readTextFile(file, 'lock');
  return text === undefined ? undefined : parseLock(text, file);
}

/** Reads the lock that will be replaced. Returns undefined if it is missing, and with a warning if it is invalid. */
export async function readOldLock(file: string, report: Report): Promise<Lock | undefined> {
  try {
    return await readLockIfPresent(file);
  } catch (error) {
    if (!(error instanceof CygstrapError) || error.code !== 'lock') throw error;
    report({ kind: 'warning', message: `cannot compare with the previous lock: ${error.message}` });
    return undefined;
  }
}

/** Writes a lock unless the file has the same content, apart from Windows line ends. Returns whether it was
 *  written. */
export async function writeLock(file: string, lock: Lock): Promise<boolean> {
  const text = printLock(lock);
  const old = await readTextFile(file, 'lock').catch(() => undefined);
  if (old?.replaceAll('\r\n', '\n') === text) return false;
  await writeTextFile(file, text);
  return true;
}

/** Throws `lock` with the differences as details if the lock was made for another request. Reads nothing. */
export function requireAnswer(lock: Lock, request: LockRequest, file: string): void {
  const differences = checkLock(lock, request);
  if (differences.length === 0) return;
  const packages = [...new Set([...request.packages, ...lock.request.packages])];
  const both = packages.length === request.packages.length ? undefined : lockCommand(file, { ...request, packages });
  throw new CygstrapError(
    'lock',
    `\`${file}\` was made for another request: ${differences.map(differenceText).join('; ')}`,
    {
      hint:
        `lock what is asked for with \`${lockCommand(file, request)}\`` +
        (both === undefined ? '' : `, or the packages of the lock too with \`${both}\``),
      details: { file, differences },
    },
  );
}

/** Returns the command line that locks a request. */
function lockCommand(file: string, request: LockRequest): string {
  const { packages, categories, buildDepends, base, test, source, windows, arch } = request;
  return quoteCommand([
    'cygstrap',
    'lock',
    ...packages,
    ...categories.flatMap((each) => ['--category', each]),
    ...buildDepends.flatMap((each) => ['--build-depends', each]),
    ...(base ? [] : ['--no-base']),
    ...(test ? ['--test'] : []),
    ...(source ? ['--source'] : []),
    ...(windows === DEFAULT_WINDOWS ? [] : ['--windows', windows]),
    ...(arch === DEFAULTS.arch ? [] : ['--arch', arch]),
    ...(file === LOCK_FILE_NAME ? [] : ['--lock', file]),
  ]);
}
