/** Every code a caller may meet; stable, never reused. */
export type ErrorCode =
  | 'usage'
  | 'parse'
  | 'limit'
  | 'corrupt'
  | 'io'
  | 'unsolvable'
  | 'not-found'
  /** A site did not deliver: network, HTTP status, time. A retry may help. */
  | 'fetch'
  /** Bytes are not what size and digest promise. */
  | 'verify'
  /** No trusted key signed these bytes. */
  | 'signature'
  /** A local repo is not what it must be: foreign directory, hostile or clashing path, damage found. */
  | 'repo'
  /** A lock or project file does not fit: unreadable, or made for another request. */
  | 'lock'
  /** A machine, its disk or its network cannot be had, or ended against our will. */
  | 'vm'
  /** What is asked for cannot be put on a medium: a name or an amount it has no room for, or two files of one name. */
  | 'media'
  /** A program of the system that is needed is missing, or failed. */
  | 'tool'
  /** What runs inside a machine did not do what it was asked to. */
  | 'guest'
  /** Stopped by the user; the same command goes on from there. */
  | 'interrupted';

export interface ErrorOptions {
  /** What to do about it, one sentence, for a `hint:` line. */
  readonly hint?: string;
  /** Plain JSON for machines. */
  readonly details?: unknown;
  readonly cause?: unknown;
}

/** Base of every error cygstrap raises on purpose: a stable code, a message, perhaps a hint.
 *  Anything else that reaches the command line is a bug of ours. */
export class CygstrapError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CygstrapError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
  }
}
