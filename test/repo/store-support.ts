import { expect } from 'vitest';
import type { OpenSource } from '../../src/repo/files/source.ts';
import { VerifyError } from '../../src/repo/files/verify-error.ts';
import { bytesOf, piecesOf } from './support.ts';

/** The content of a small file, of one that arrives in several buffers, and the path of both. */
export const SMALL = bytesOf(1, 20_000);
export const LARGE = bytesOf(2, 3_500_000);
export const PATH = 'x86_64/release/pkg/pkg-1-1.tar.xz';

/** A source that sends these chunks, whatever it is asked for. */
export function opening(chunks: () => AsyncIterable<Uint8Array>, startByte = 0, validator?: string): OpenSource {
  return async () => ({ startByte, validator, chunks: chunks() });
}

/** Yields the first bytes, then throws. */
export async function* brokenAfter(
  bytes: Uint8Array,
  goodBytes: number,
  error: Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* piecesOf(bytes.subarray(0, goodBytes));
  throw error;
}

/** What a put is refused for. */
export async function faultOf(put: Promise<unknown>): Promise<VerifyError> {
  const error = await put.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VerifyError);
  return error as VerifyError;
}
