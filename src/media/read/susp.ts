import { MediaError } from '../media-error.ts';

/** Continuations of one record that are followed; xorriso makes one. */
const MOST_CONTINUATIONS = 16;

const SECTOR_BYTES = 2048;
const FLAG_NAME_GOES_ON = 0x01;

/** What stands for a link, a device or a directory that was moved: nothing that we put on a medium. */
const FOREIGN = new Set(['SL', 'PN', 'CL', 'PL', 'RE', 'SF', 'ZF']);

/** Reads the system use fields of a directory record (SUSP), over their continuations, for the bytes of the Rock Ridge name; undefined
 *  when there is none. Throws `damaged` for fields that are cut short or of a kind we never make, and what `read` throws.
 *  Source: System Use Sharing Protocol 1.12, Rock Ridge Interchange Protocol 1.12. */
export async function systemUseOf(
  first: Buffer,
  read: (startByte: number, sizeBytes: number) => Promise<Buffer>,
): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let area: Buffer | undefined = first;
  for (let count = 0; area !== undefined; count++) {
    if (count > MOST_CONTINUATIONS) throw damaged('has no end');
    let next: { readonly startByte: number; readonly sizeBytes: number } | undefined;
    for (const { signature, body } of fieldsOf(area)) {
      if (FOREIGN.has(signature)) throw damaged(`has \`${signature}\`, which we never make`);
      // One byte of flags, then the name.
      if (signature === 'NM' && body.length > 0) {
        parts.push(body.subarray(1));
        if ((body.readUInt8(0) & ~FLAG_NAME_GOES_ON) !== 0) throw damaged('has a name that stands for another');
      }
      if (signature === 'CE' && body.length >= 24)
        next = {
          startByte: body.readUInt32LE(0) * SECTOR_BYTES + body.readUInt32LE(8),
          sizeBytes: body.readUInt32LE(16),
        };
      if (signature === 'ST') break;
    }
    if (next !== undefined && next.sizeBytes > SECTOR_BYTES) throw damaged('is longer than a sector');
    area = next === undefined ? undefined : await read(next.startByte, next.sizeBytes);
  }
  return parts.length === 0 ? undefined : Buffer.concat(parts);
}

function* fieldsOf(area: Buffer): Generator<{ readonly signature: string; readonly body: Buffer }, void, undefined> {
  for (let at = 0; at + 4 <= area.length;) {
    const length = area.readUInt8(at + 2);
    // Zeros fill what is left.
    if (length === 0 && area.readUInt16BE(at) === 0) return;
    if (length < 4 || at + length > area.length) throw damaged('is cut short');
    yield { signature: area.toString('latin1', at, at + 2), body: area.subarray(at + 4, at + length) };
    at += length;
  }
}

function damaged(what: string): MediaError {
  return new MediaError('damaged', `the image is damaged: a Rock Ridge field ${what}`);
}
