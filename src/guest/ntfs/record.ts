/** Types of attributes. Source: the documentation of the Linux-NTFS project. */
export const ATTRIBUTES = { list: 0x20, data: 0x80, indexRoot: 0x90, indexAllocation: 0xa0, bitmap: 0xb0 } as const;

const END = 0xffffffff;
const NOT_PLAIN = 0x4001;
const SECTOR_BYTES = 512;

/** A part of a file, in clusters; `at` is undefined in a hole. */
export interface Run {
  readonly at: number | undefined;
  readonly clusters: number;
}

/** One attribute of a record, or a part of it if it has several. */
export interface Attribute {
  readonly type: number;
  readonly name: string;
  /** Whether it is neither compressed nor encrypted. */
  readonly isPlain: boolean;
  readonly content:
    | { readonly kind: 'resident'; readonly bytes: Buffer }
    | {
        readonly kind: 'runs';
        readonly firstCluster: number;
        readonly runs: readonly Run[];
        readonly sizeBytes: number;
        readonly initializedBytes: number;
      };
}

/** Checks the mark of a record or an index block and restores the ends of its sectors, in place. Returns whether it is
 *  valid; a block that was written in part is not. */
export function restoreSectors(block: Buffer, mark: 'FILE' | 'INDX'): boolean {
  if (block.length < 48 || block.toString('latin1', 0, 4) !== mark) return false;
  const [at, count] = [block.readUInt16LE(4), block.readUInt16LE(6)];
  if (count < 1 || at + 2 * count > block.length || (count - 1) * SECTOR_BYTES > block.length) return false;
  const number = block.readUInt16LE(at);
  for (let i = 1; i < count; i++) {
    const end = i * SECTOR_BYTES - 2;
    if (block.readUInt16LE(end) !== number) return false;
    block.copy(block, end, at + 2 * i, at + 2 * i + 2);
  }
  return true;
}

/** Returns the attributes of a restored record. Throws RangeError for a damaged one. Pure. */
export function attributesOf(record: Buffer): Attribute[] {
  const found: Attribute[] = [];
  let at = record.readUInt16LE(20);
  while (at + 8 <= record.length && record.readUInt32LE(at) !== END) {
    const lengthBytes = record.readUInt32LE(at + 4);
    if (lengthBytes < 24 || at + lengthBytes > record.length) throw new RangeError('damaged attribute');
    found.push(attributeIn(record.subarray(at, at + lengthBytes)));
    at += lengthBytes;
  }
  return found;
}

function attributeIn(bytes: Buffer): Attribute {
  const [nameLength, nameAt] = [bytes.readUInt8(9), bytes.readUInt16LE(10)];
  const common = {
    type: bytes.readUInt32LE(0),
    name: bytes.toString('utf16le', nameAt, nameAt + 2 * nameLength),
    isPlain: (bytes.readUInt16LE(12) & NOT_PLAIN) === 0,
  };
  if (bytes.readUInt8(8) === 0) {
    const [length, at] = [bytes.readUInt32LE(16), bytes.readUInt16LE(20)];
    if (at + length > bytes.length) throw new RangeError('damaged attribute');
    return { ...common, content: { kind: 'resident', bytes: bytes.subarray(at, at + length) } };
  }
  return {
    ...common,
    content: {
      kind: 'runs',
      firstCluster: Number(bytes.readBigUInt64LE(16)),
      runs: runsIn(bytes.subarray(bytes.readUInt16LE(32))),
      // Only the first part of an attribute has its sizes.
      sizeBytes: bytes.length >= 64 ? Number(bytes.readBigUInt64LE(48)) : 0,
      initializedBytes: bytes.length >= 64 ? Number(bytes.readBigUInt64LE(56)) : 0,
    },
  };
}

/** Decodes a list of runs: each has a byte with the sizes of its two numbers, its length, and the distance of its
 *  first cluster from that of the run before. */
function runsIn(bytes: Buffer): Run[] {
  const runs: Run[] = [];
  let [at, cluster] = [0, 0];
  while (at < bytes.length) {
    const sizes = bytes.readUInt8(at);
    if (sizes === 0) break;
    const [lengthBytes, distanceBytes] = [sizes & 15, sizes >> 4];
    if (lengthBytes < 1 || lengthBytes > 6 || distanceBytes > 6) throw new RangeError('damaged list of runs');
    const clusters = bytes.readUIntLE(at + 1, lengthBytes);
    if (distanceBytes > 0) cluster += bytes.readIntLE(at + 1 + lengthBytes, distanceBytes);
    if (cluster < 0) throw new RangeError('damaged list of runs');
    runs.push({ at: distanceBytes === 0 ? undefined : cluster, clusters });
    at += 1 + lengthBytes + distanceBytes;
  }
  return runs;
}
