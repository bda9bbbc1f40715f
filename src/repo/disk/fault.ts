import { CygstrapError } from '../../errors.ts';

/** What is said for the codes of the system that people meet, and what helps. */
const KNOWN: ReadonlyMap<string, readonly [why: string, hint?: string]> = new Map([
  ['ENOSPC', ['the disk is full', 'make room; the same command goes on from here']],
  ['EDQUOT', ['the quota of disk space is used up', 'make room; the same command goes on from here']],
  ['EFBIG', ['the file is larger than this file system or `ulimit -f` allows']],
  ['EACCES', ['permission denied', 'the repo must be writable for the user that runs cygstrap']],
  ['EPERM', ['the system does not permit it', 'the repo must be writable for the user that runs cygstrap']],
  ['EROFS', ['the file system is read-only']],
  ['ENAMETOOLONG', ['the path is too long for this file system', 'put the repo into a directory with a shorter path']],
  ['ENOTDIR', ['a part of the path is a file, not a directory']],
  ['EISDIR', ['there is a directory of that name']],
  ['ENOTEMPTY', ['there is a directory of that name']],
  ['EIO', ['the disk reports an error']],
  ['EMFILE', ['too many files are open', 'raise the limit with `ulimit -n`']],
]);

/** Says what could not be done with a file of a repo, as `io`. The cause keeps what the system said. An error that is none of
 *  the system comes back as it is. */
export function diskFault(error: unknown, doing: string, path: string): unknown {
  const code = codeOf(error);
  if (code === undefined || error instanceof CygstrapError) return error;
  const [why, hint] = KNOWN.get(code) ?? [code];
  return new CygstrapError('io', `cannot ${doing} \`${path}\`: ${why}`, {
    ...(hint === undefined ? {} : { hint }),
    details: { path, system: code },
    cause: error,
  });
}

/** True for an error of the system with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(codeOf(error) ?? '');
}

/** The code of an error that a system call gave, such as `ENOSPC`. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
