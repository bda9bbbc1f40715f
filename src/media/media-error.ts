import { CygstrapError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';

/** What went wrong with a medium, for machines: `details.fault` of a {@link MediaError}. Stable. */
export type MediaFault =
  /** A program that writes images is not installed. */
  | 'no-tool'
  /** It failed, or could not write. */
  | 'tool-failed'
  /** The medium has no room for a name, or some reader of it cannot use it. */
  | 'bad-name'
  /** Two files are one to some reader. */
  | 'clash'
  /** More than fits. */
  | 'too-large'
  /** A file cannot be read or written; `cause` has what the system said. */
  | 'io'
  /** What was read back is not what went in. */
  | 'differs'
  /** An image that is none, or that promises what it does not have. */
  | 'damaged';

const CODES: Record<MediaFault, ErrorCode> = {
  'no-tool': 'tool',
  'tool-failed': 'tool',
  'bad-name': 'media',
  clash: 'media',
  'too-large': 'media',
  io: 'io',
  differs: 'verify',
  damaged: 'corrupt',
};

export interface MediaErrorOptions {
  readonly hint?: string;
  /** Plain JSON, beside the fault. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Raised when an image cannot be made, or is not what it should be. Its code follows from the fault. */
export class MediaError extends CygstrapError {
  constructor(fault: MediaFault, message: string, { details, ...rest }: MediaErrorOptions = {}) {
    super(CODES[fault], message, { ...rest, details: { fault, ...details } });
    this.name = 'MediaError';
  }
}
