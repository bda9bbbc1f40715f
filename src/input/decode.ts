import { decodeBz2 } from './bz2.ts';
import { decodeGz } from './gz.ts';
import type { Compression } from './sniff.ts';
import { decodeXz } from './xz.ts';
import { decodeZst } from './zst.ts';

/** Decodes a whole compressed file piece by piece, with all frames, streams or members in it. Stopping early frees the decoder.
 *  Throws `DecodeFault`. The text can be longer than `maxTextBytes`: the caller counts. */
export function decode(compression: Compression, bytes: Uint8Array, maxTextBytes: number): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'zst':
      return decodeZst(bytes, maxTextBytes);
    case 'xz':
      return decodeXz(bytes);
    case 'bz2':
      return decodeBz2(bytes);
    case 'gz':
      return decodeGz(bytes);
  }
}
