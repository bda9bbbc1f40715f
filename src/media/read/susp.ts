import { MediaError } from '../base/media-error.ts';

/** Bound of the continuations of one record; xorriso writes one. */
const MOST_CONTINUATIONS = 16;

const SECTOR_BYTES = 2048;
const FLAG_NAME_GOES_ON = 0x01;

/** Signatures of links, devices and relocated directories, which our media do not contain. */
const FOREIGN = new Set(['SL', 'PN', 'CL', 'PL', 'RE', 'SF', 'ZF']);

/** Returns the bytes of the Rock Ridge name from the system use fields (SUSP) of a directory record and their
 *  continuations; undefined without a name. Throws `damaged` for truncated and unsupported fields, and what `read`
 *  throws. Source: System Use Sharing Protocol 1.12, Rock Ridge Interchange Protocol 1.12. */
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
      if (FOREIGN.has(signature)) throw damaged(`\`${signature}\` is not supported`);
      // One byte of flags precedes the name.
      if (signature === 'NM' && body.length > 0) {
        parts.push(body.subarray(1));
        if ((body.readUInt8(0) & ~FLAG_NAME_GOES_ON) !== 0) throw damaged('has a name that refers to another');
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
    // Zeros fill the rest.
    if (length === 0 && area.readUInt16BE(at) === 0) return;
    if (length < 4 || at + length > area.length) throw damaged('is cut short');
    yield { signature: area.toString('latin1', at, at + 2), body: area.subarray(at + 4, at + length) };
    at += length;
  }
}

function damaged(what: string): MediaError {
  return new MediaError('damaged', `the image is damaged: a Rock Ridge field: ${what}`);
}
