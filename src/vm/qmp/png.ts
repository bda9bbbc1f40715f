import { crc32, deflateSync } from 'node:zlib';
import { VmError } from '../base/vm-error.ts';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Largest screen: 8192 x 8192 pixels. */
const MAX_PIXELS = 8192 * 8192;

/** Converts a binary PPM with 8 bits per color to PNG. Throws VmError for any other input. */
export function pngOf(ppm: Buffer): Buffer {
  const { width, height, pixels } = parsePpm(ppm);
  const strideBytes = width * 3;
  // Each row starts with its filter type; 0 is no filter.
  const rows = Buffer.alloc((strideBytes + 1) * height);
  for (let y = 0; y < height; y++) pixels.copy(rows, y * (strideBytes + 1) + 1, y * strideBytes, (y + 1) * strideBytes);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 3 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function parsePpm(ppm: Buffer): { width: number; height: number; pixels: Buffer } {
  const [header = '', width = '', height = ''] =
    /^P6\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+255\s/.exec(ppm.toString('latin1', 0, 256)) ?? [];
  const size = { width: Number(width), height: Number(height) };
  const pixels = ppm.subarray(header.length);
  if (
    header === '' ||
    size.width * size.height === 0 ||
    size.width * size.height > MAX_PIXELS ||
    pixels.length !== size.width * size.height * 3
  ) {
    throw new VmError('QEMU wrote an invalid screenshot');
  }
  return { ...size, pixels };
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
