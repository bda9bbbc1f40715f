import { CygstrapError } from '../../errors.ts';
import type { Digest, RepoFile } from './file.ts';

/** The expected and the actual state of a file. */
export interface VerifyDetails {
  readonly path: string;
  /** A size in bytes or a digest; `a digest` if the index has none. */
  readonly expected: string;
  readonly actual: string;
  /** Number of bytes received; for a file that is too long, at least one more than expected. */
  readonly bytes: number;
}

/** Thrown when bytes do not have the expected size or digest; the repo then contains none of them. */
export class VerifyError extends CygstrapError {
  declare readonly details: VerifyDetails;
  /** Whether the bytes are those of several responses: the first may be wrong, or the last. */
  wasResumed = false;

  constructor(message: string, details: VerifyDetails, hint?: string) {
    super('verify', message, { details, ...(hint === undefined ? {} : { hint }) });
    this.name = 'VerifyError';
  }
}

const HEX_DIGITS = { sha512: 128, md5: 32 } as const;

/** Throws VerifyError for a file that cannot be verified: an invalid size, a malformed digest, or no digest unless that
 *  is allowed. */
export function requireVerifiable({ path, sizeBytes, digest }: RepoFile, allowsUndigested: boolean): void {
  const details = { path, expected: digest === undefined ? 'a digest' : shown(digest), actual: 'none', bytes: 0 };
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0)
    throw new VerifyError(`invalid size of \`${path}\`: ${sizeBytes}`, details);
  if (digest === undefined) {
    if (allowsUndigested) return;
    throw new VerifyError(
      `the index gives no digest for \`${path}\``,
      details,
      'use `--allow-undigested` to verify its size only',
    );
  }
  if (digest.hex.length !== HEX_DIGITS[digest.algorithm] || !/^[0-9a-f]+$/.test(digest.hex)) {
    throw new VerifyError(`malformed digest of \`${path}\`: \`${shown(digest)}\``, details);
  }
}

/** The error for a file of the wrong size. */
export function wrongSize({ path, sizeBytes }: RepoFile, bytes: number): VerifyError {
  const isLong = bytes > sizeBytes;
  return new VerifyError(
    `\`${path}\` is too ${isLong ? 'long' : 'short'}: expected ${sizeBytes} bytes, found ${isLong ? 'more' : bytes}`,
    { path, expected: `${sizeBytes} bytes`, actual: isLong ? 'more' : `${bytes} bytes`, bytes },
  );
}

/** The error for a file with the wrong digest. */
export function wrongDigest({ path, sizeBytes }: RepoFile, expected: Digest, hex: string): VerifyError {
  const brief = (text: string): string => `\`${text.slice(0, 12)}…\``;
  return new VerifyError(
    `\`${path}\`: ${expected.algorithm} differs: expected ${brief(expected.hex)}, found ${brief(hex)} ` +
      `(${sizeBytes} bytes)`,
    { path, expected: shown(expected), actual: shown({ algorithm: expected.algorithm, hex }), bytes: sizeBytes },
  );
}

/** Prints a digest with its algorithm, for messages and the verification cache. */
export function shown({ algorithm, hex }: Digest): string {
  return `${algorithm}:${hex}`;
}
