// Parts of the metadata of an image of a WIM, by the same document as `src/media/inspect/wim-files.ts`.

/** An entry of a directory: its name, the place of its list if it is a directory, and a number of named streams. */
export function entry(name: string, list = 0, streams = 0): Buffer {
  const bytes = Buffer.alloc(Math.ceil((102 + name.length * 2 + 2) / 8) * 8);
  bytes.writeBigUInt64LE(BigInt(102 + name.length * 2 + 2), 0);
  bytes.writeUInt32LE(list === 0 ? 0x20 : 0x10, 8);
  bytes.writeBigUInt64LE(BigInt(list), 16);
  bytes.writeUInt16LE(streams, 96);
  bytes.writeUInt16LE(name.length * 2, 100);
  bytes.write(name, 102, 'utf16le');
  const stream = Buffer.alloc(48);
  stream.writeBigUInt64LE(42n, 0);
  return Buffer.concat([bytes, ...Array.from({ length: streams }, () => stream)]);
}

/** The end of a directory. */
export const END = Buffer.alloc(8);
/** Security data of 21 bytes, and padding. */
export const SECURITY = Buffer.from([21, 0, 0, 0, 0, 0, 0, 0, ...Array.from({ length: 16 }, () => 0xff)]);
