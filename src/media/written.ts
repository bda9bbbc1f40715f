import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Difference } from './iso-compare.ts';
import { MediaError } from './media-error.ts';

/** An image that was written, read back and compared. */
export interface WrittenImage {
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the whole image; 128 hexadecimal digits. */
  readonly sha512: string;
  /** Files on it. */
  readonly files: number;
}

/** Hashes a file of this system. Throws `io`, and the signal's reason. */
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

/** Throws `differs` when there is any difference between what was read back and what went in. */
export function requireSame(out: string, differences: readonly Difference[]): void {
  const [first] = differences;
  if (first === undefined) return;
  const more = differences.length === 1 ? '' : ` (and ${differences.length - 1} more)`;
  throw new MediaError(
    'differs',
    `\`${out}\` was not written: read back, it differs from what went in: \`${first.path}\` ${WORDS[first.kind]}${more}`,
    {
      hint: 'files changed while they were copied, or the disk or memory of this computer is faulty; try again',
      details: { path: out, differences },
    },
  );
}

const WORDS: Record<Difference['kind'], string> = {
  missing: 'is missing',
  unexpected: 'is not to be there',
  twice: 'is there twice',
  'wrong-size': 'has another size',
  'wrong-content': 'has other content',
};
