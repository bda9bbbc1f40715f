import { createGunzip } from 'node:zlib';
import { DecodeFault } from './input-error.ts';

/** Decodes gzip data of one or more members; every member's CRC-32 and length are checked.
 *  Throws `DecodeFault` for damage, for data cut short, and for bytes left over. */
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
  // zlib stops without a word at a zero byte after a member, whatever follows.
  if (gunzip.bytesWritten !== bytes.length) {
    throw new DecodeFault('corrupt', `the data ends at byte ${gunzip.bytesWritten}, but something follows`);
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');
}
