import { createGunzip } from 'node:zlib';
import { DecodeFault } from './input-error.ts';

/** Decodes gzip data of one or more members, and verifies the CRC-32 and length of every member. Throws `DecodeFault`
 *  for damaged or truncated data and for trailing bytes. */
export async function* decodeGz(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  gunzip.end(bytes);
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (isZlibError(error)) throw new DecodeFault('corrupt', error.message, { cause: error });
    throw error;
  } finally {
    gunzip.destroy();
  }
  // zlib stops without an error at a zero byte after a member.
  if (gunzip.bytesWritten !== bytes.length) {
    throw new DecodeFault('corrupt', `trailing bytes after the end of the data at byte ${gunzip.bytesWritten}`);
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');
}
