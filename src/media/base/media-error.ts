import { CygstrapError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';

/** Kind of a {@link MediaError}, as `details.fault`. Stable. */
export type MediaFault =
  /** A program that writes images is not installed. */
  | 'no-tool'
  /** The program failed. */
  | 'tool-failed'
  /** A name is too long for the medium, or a reader cannot use it. */
  | 'bad-name'
  /** Two files have the same name for a reader. */
  | 'clash'
  /** The files do not fit. */
  | 'too-large'
  /** A file cannot be read or written; `cause` is the error of the system. */
  | 'io'
  /** The image differs from its input when read back. */
  | 'differs'
  /** Not an image, or a damaged one. */
  | 'damaged'
  /** Something else than expected: a web page, an archive, a medium of another system. */
  | 'unsupported';

const CODES: Record<MediaFault, ErrorCode> = {
  'no-tool': 'tool',
  'tool-failed': 'tool',
  'bad-name': 'media',
  clash: 'media',
  'too-large': 'media',
  io: 'io',
  differs: 'verify',
  damaged: 'corrupt',
  unsupported: 'media',
};

export interface MediaErrorOptions {
  readonly hint?: string;
  /** Plain JSON, added to the fault. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Thrown when an image cannot be written or is damaged. The fault determines its code. */
export class MediaError extends CygstrapError {
  constructor(fault: MediaFault, message: string, { details, ...rest }: MediaErrorOptions = {}) {
    super(CODES[fault], message, { ...rest, details: { fault, ...details } });
    this.name = 'MediaError';
  }
}
