import { dirname } from 'node:path';
import { CygstrapError } from '../errors.ts';

/** Explanations and hints for the error codes of the system that users meet. */
const KNOWN: ReadonlyMap<string, readonly [reason: string, hint?: string]> = new Map([
  ['ENOSPC', ['the disk is full', 'free some space and run the command again; it continues from here']],
  ['EDQUOT', ['the disk quota is exceeded', 'free some space and run the command again; it continues from here']],
  ['EFBIG', ['the file is larger than this file system or `ulimit -f` allows']],
  ['EACCES', ['permission denied', 'make the directory writable for the user that runs cygstrap']],
  ['EPERM', ['operation not permitted', 'make the directory writable for the user that runs cygstrap']],
  ['EROFS', ['the file system is read-only']],
  ['ENAMETOOLONG', ['the path is too long for this file system', 'use a directory with a shorter path']],
  ['ENOTDIR', ['a part of the path is a file, not a directory']],
  ['EISDIR', ['a directory has this name']],
  ['ENOTEMPTY', ['a directory has this name']],
  ['EIO', ['the disk reports an error']],
  ['EMFILE', ['too many open files', 'raise the limit with `ulimit -n`']],
]);

/** Converts an error of a system call into a CygstrapError with code `io`: "cannot ACTION `PATH`: reason". The
 *  original error is the cause. Returns any other error unchanged. */
export function ioError(error: unknown, action: string, path: string): unknown {
  const code = codeOf(error);
  if (code === undefined || !(error instanceof Error && 'syscall' in error)) return error;
  const [reason, hint] =
    code === 'ENOENT' && action === 'write'
      ? ['its directory does not exist', `create the directory \`${dirname(path)}\` first`]
      : (KNOWN.get(code) ?? [code]);
  return new CygstrapError('io', `cannot ${action} \`${path}\`: ${reason}`, {
    ...(hint === undefined ? {} : { hint }),
    details: { path, system: code },
    cause: error,
  });
}

/** Returns true for an error of the system or of Node.js with one of these codes, such as `EEXIST`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(codeOf(error) ?? '');
}

/** Returns true if a file, or a directory of its path, does not exist. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ENOTDIR');
}

/** Returns the code of an error of the system or of Node.js, such as `ENOSPC`; undefined for any other value. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
