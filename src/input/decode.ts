import { decodeBz2 } from './bz2.ts';
import { decodeGz } from './gz.ts';
import type { Compression } from './sniff.ts';
import type { TextFile } from './xz-program.ts';
import { decodeXz } from './xz.ts';
import { decodeZst } from './zst.ts';

/** Decodes a whole compressed file into text, piece by piece; what follows the first frame, stream or member is decoded too.
 *  Stopping early frees the decoder. Throws `DecodeFault`. More than `maxTextBytes` may come: the caller counts. A decoder that can
 *  writes the text `into` the file too, and says how much. */
export function decode(
  compression: Compression,
  bytes: Uint8Array,
  maxTextBytes: number,
  into?: TextFile,
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'zst':
      return decodeZst(bytes, maxTextBytes);
    case 'xz':
      return decodeXz(bytes, maxTextBytes, { into });
    case 'bz2':
      return decodeBz2(bytes);
    case 'gz':
      return decodeGz(bytes);
  }
}
