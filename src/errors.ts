/** Error codes; stable, never reused. */
export type ErrorCode =
  | 'usage'
  | 'parse'
  | 'limit'
  | 'corrupt'
  | 'io'
  | 'unsolvable'
  | 'not-found'
  /** A site failed: network, HTTP status, timeout. A retry can help. */
  | 'fetch'
  /** Bytes do not match the expected size or digest. */
  | 'verify'
  /** There is no valid signature of a trusted key. */
  | 'signature'
  /** An index is older than one of the same signer that was used before. */
  | 'older-index'
  /** A local repo is not usable: a foreign directory, an invalid or conflicting path, damage. */
  | 'repo'
  /** A lock or project file is invalid, or was made for another request. */
  | 'lock'
  /** Packages, or the setup program, do not run on the version of Windows to install on. */
  | 'windows'
  /** A machine, its disk or its network is not available, or ended unexpectedly. */
  | 'vm'
  /** The content does not fit on a medium: an invalid name, too many bytes, or two files with one name. */
  | 'media'
  /** A program of the system is missing or failed. */
  | 'tool'
  /** A command inside a guest failed. */
  | 'guest'
  /** The system, or a limit of the process, refuses memory, open files or processes. */
  | 'resource'
  /** Interrupted by the user; the same command continues. */
  | 'interrupted';

export interface CygstrapErrorOptions {
  /** What to do: one sentence for a `hint:` line. */
  readonly hint?: string | undefined;
  /** Plain JSON for programs. */
  readonly details?: unknown;
  readonly cause?: unknown;
}

/** Base class of all expected errors: a stable code, a message, optionally a hint. The command line reports any other
 *  error as a bug. */
export class CygstrapError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, options: CygstrapErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CygstrapError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
  }
}
