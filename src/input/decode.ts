import { decodeBz2 } from './bz2.ts';
import { decodeGz } from './gz.ts';
import type { Compression } from './sniff.ts';
import { decodeXz } from './xz.ts';
import { decodeZst } from './zst.ts';

/** Decodes a compressed file into pieces of text, with all its frames, streams or members. Stopping early frees the
 *  decoder. Decoders may yield more than `maxTextBytes`: the caller counts. Throws `DecodeFault`. */
export function decode(compression: Compression, bytes: Uint8Array, maxTextBytes: number): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'zst':
      return decodeZst(bytes, maxTextBytes);
    case 'xz':
      return decodeXz(bytes, maxTextBytes);
    case 'bz2':
      return decodeBz2(bytes);
    case 'gz':
      return decodeGz(bytes);
  }
}
