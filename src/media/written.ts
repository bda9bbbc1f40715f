import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Difference } from './iso-compare.ts';
import { MediaError } from './base/media-error.ts';

/** An image after it was written, read back and compared. */
export interface WrittenImage {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-512 of the whole image; 128 hexadecimal digits. */
  readonly sha512: string;
  /** Number of files on it. */
  readonly files: number;
}

/** Returns the size and SHA-512 of a file. Throws `io`, and the reason of the signal. */
export async function hashFile(
  location: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly sizeBytes: number; readonly sha512: string }> {
  const hash = createHash('sha512');
  let sizeBytes = 0;
  try {
    for await (const chunk of createReadStream(location, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>) {
      signal?.throwIfAborted();
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new MediaError('io', `cannot read \`${location}\``, { details: { path: location }, cause });
  }
  return { sizeBytes, sha512: hash.digest('hex') };
}

/** Throws `differs` if the image differs from its input when read back. */
export function requireSame(out: string, differences: readonly Difference[]): void {
  const [first] = differences;
  if (first === undefined) return;
  const more = differences.length === 1 ? '' : ` (and ${differences.length - 1} more)`;
  throw new MediaError(
    'differs',
    `\`${out}\` was not written: it differs from its input when read back: ` +
      `\`${first.path}\` ${WORDS[first.kind]}${more}`,
    {
      hint: 'try again; if it fails again, check the disk and the memory of this computer',
      details: { path: out, differences },
    },
  );
}

const WORDS: Record<Difference['kind'], string> = {
  missing: 'is missing',
  unexpected: 'is unexpected',
  twice: 'is there twice',
  'wrong-size': 'has another size',
  'wrong-content': 'has other content',
};
