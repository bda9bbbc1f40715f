import { CygstrapError } from '../../errors.ts';
import type { Digest, RepoFile } from './file.ts';

/** What was promised of a file and what came instead. */
export interface VerifyDetails {
  readonly path: string;
  /** A size in bytes, or a digest; `a digest` where there is none to compare with. */
  readonly expected: string;
  readonly actual: string;
  /** How many bytes were seen; of a file that is too long, one more than it should have at least. */
  readonly bytes: number;
}

/** Raised when bytes are not what size and digest promise; none of them are in the repo then. */
export class VerifyError extends CygstrapError {
  declare readonly details: VerifyDetails;

  constructor(message: string, details: VerifyDetails, hint?: string) {
    super('verify', message, { details, ...(hint === undefined ? {} : { hint }) });
    this.name = 'VerifyError';
  }
}

const HEX_DIGITS = { sha512: 128, md5: 32 } as const;

/** Throws VerifyError for a promise that cannot be checked: no size, a digest of another length, or none at all unless allowed. */
export function requireVerifiable({ path, sizeBytes, digest }: RepoFile, allowsUndigested: boolean): void {
  const details = { path, expected: digest === undefined ? 'a digest' : shown(digest), actual: 'none', bytes: 0 };
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0)
    throw new VerifyError(`the size of \`${path}\` is none: ${sizeBytes}`, details);
  if (digest === undefined) {
    if (allowsUndigested) return;
    throw new VerifyError(
      `the index gives no digest for \`${path}\``,
      details,
      'with `--allow-undigested` its size alone is checked',
    );
  }
  if (digest.hex.length !== HEX_DIGITS[digest.algorithm] || !/^[0-9a-f]+$/.test(digest.hex)) {
    throw new VerifyError(`the digest of \`${path}\` is none: \`${shown(digest)}\``, details);
  }
}

/** Says that a file has another number of bytes. */
export function wrongSize({ path, sizeBytes }: RepoFile, bytes: number): VerifyError {
  const isLong = bytes > sizeBytes;
  return new VerifyError(
    `\`${path}\` is too ${isLong ? 'long' : 'short'}: expected ${sizeBytes} bytes, found ${isLong ? 'more' : bytes}`,
    { path, expected: `${sizeBytes} bytes`, actual: isLong ? 'more' : `${bytes} bytes`, bytes },
  );
}

/** Says that a file has another digest. */
export function wrongDigest({ path, sizeBytes }: RepoFile, expected: Digest, hex: string): VerifyError {
  const brief = (text: string): string => `\`${text.slice(0, 12)}…\``;
  return new VerifyError(
    `\`${path}\`: ${expected.algorithm} differs: expected ${brief(expected.hex)}, found ${brief(hex)} (${sizeBytes} bytes)`,
    { path, expected: shown(expected), actual: shown({ algorithm: expected.algorithm, hex }), bytes: sizeBytes },
  );
}

/** A digest with its algorithm, as stamps and messages have it. */
export function shown({ algorithm, hex }: Digest): string {
  return `${algorithm}:${hex}`;
}
