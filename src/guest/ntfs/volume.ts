import { CygstrapError } from '../../errors.ts';
import { ATTRIBUTES, attributesOf, restoreSectors } from './record.ts';
import type { Attribute, Run } from './record.ts';

/** Returns the bytes at an offset of a volume; fewer at its end. */
export type ReadBytes = (offsetBytes: number, lengthBytes: number) => Promise<Buffer>;

/** Content of an attribute: bytes, or runs of clusters. */
type Stream =
  | { readonly bytes: Buffer; readonly sizeBytes: number }
  | { readonly runs: readonly Run[]; readonly sizeBytes: number; readonly initializedBytes: number };

const ROOT_RECORD = 5;
const LONGEST_DIRECTORY_BYTES = 64 * 1024 * 1024;
const LONGEST_LIST_BYTES = 1024 * 1024;
const LAST_ENTRY = 2;

/** Reads files of an NTFS volume, also of one that was not unmounted: what is only in its journal is missing. Files
 *  that are compressed or encrypted cannot be read. Source: the documentation of the Linux-NTFS project. */
export class NtfsVolume {
  readonly #read: ReadBytes;
  readonly #clusterBytes: number;
  readonly #recordBytes: number;
  #table: Stream;

  private constructor(read: ReadBytes, sizes: { readonly clusterBytes: number; readonly recordBytes: number }) {
    this.#read = read;
    this.#clusterBytes = sizes.clusterBytes;
    this.#recordBytes = sizes.recordBytes;
    this.#table = { bytes: Buffer.alloc(0), sizeBytes: 0 };
  }

  /** Opens a volume. Throws CygstrapError `io` for anything else, and what `read` throws. */
  static async open(read: ReadBytes): Promise<NtfsVolume> {
    const boot = await read(0, 512);
    if (boot.length < 512 || boot.toString('latin1', 3, 11) !== 'NTFS    ')
      throw new CygstrapError('io', 'the partition has no NTFS file system');
    const sectorBytes = boot.readUInt16LE(11);
    const perCluster = boot.readUInt8(13);
    const clusterBytes = sectorBytes * (perCluster > 128 ? 2 ** (256 - perCluster) : perCluster);
    const perRecord = boot.readInt8(64);
    const recordBytes = perRecord < 0 ? 2 ** -perRecord : perRecord * clusterBytes;
    if (clusterBytes < 512 || clusterBytes > 2 ** 21 || recordBytes < 512 || recordBytes > 2 ** 16) throw damaged();
    const volume = new NtfsVolume(read, { clusterBytes, recordBytes });
    const first = { at: Number(boot.readBigUInt64LE(48)), clusters: Math.ceil(recordBytes / clusterBytes) };
    const whole = { runs: [first], sizeBytes: recordBytes, initializedBytes: recordBytes };
    // The record of the table is in the table: first its beginning, then, if it has several parts, the rest.
    volume.#table = whole;
    for (const isWhole of [false, true])
      volume.#table = (await withinBytes(() => volume.#stream(0, ATTRIBUTES.data, '', isWhole))) ?? volume.#table;
    return volume;
  }

  /** Returns the last bytes of a file, at most `limitBytes`, starting at an even offset; undefined if there is no such
   *  file. Names match in any case. Throws CygstrapError `io` for a damaged volume and for a file that is compressed or
   *  encrypted, and what `read` throws. */
  async readEnd(path: string, limitBytes: number): Promise<Buffer | undefined> {
    return withinBytes(() => this.#readEnd(path, limitBytes));
  }

  async #readEnd(path: string, limitBytes: number): Promise<Buffer | undefined> {
    let record: number | undefined = ROOT_RECORD;
    for (const name of path.split('/')) {
      record = await this.#find(record, name);
      if (record === undefined) return undefined;
    }
    const stream = await this.#stream(record, ATTRIBUTES.data, '');
    if (stream === undefined) return undefined;
    const start = Math.max(0, stream.sizeBytes - limitBytes);
    const even = start + (start % 2);
    return this.#bytes(stream, even, stream.sizeBytes - even);
  }

  /** Returns the record of a name in a directory. */
  async #find(directory: number, name: string): Promise<number | undefined> {
    const root = await this.#stream(directory, ATTRIBUTES.indexRoot, '$I30');
    if (root === undefined) return undefined;
    const head = await this.#bytes(root, 0, Math.min(root.sizeBytes, LONGEST_LIST_BYTES));
    const found = inIndex(head.subarray(16), name);
    const rest = await this.#stream(directory, ATTRIBUTES.indexAllocation, '$I30');
    if (found !== undefined || rest === undefined) return found;
    const used = await this.#stream(directory, ATTRIBUTES.bitmap, '$I30');
    const bits = used === undefined ? Buffer.alloc(0) : await this.#bytes(used, 0, Math.min(used.sizeBytes, 2 ** 16));
    const blockBytes = head.readUInt32LE(8);
    if (blockBytes < 512 || blockBytes > 2 ** 16 || rest.sizeBytes > LONGEST_DIRECTORY_BYTES) throw damaged();
    for (let i = 0; (i + 1) * blockBytes <= rest.sizeBytes; i++) {
      if ((((bits[i >> 3] ?? 0) >> (i & 7)) & 1) === 0) continue;
      const block = await this.#bytes(rest, i * blockBytes, blockBytes);
      if (!restoreSectors(block, 'INDX')) throw damaged();
      const match = inIndex(block.subarray(24), name);
      if (match !== undefined) return match;
    }
    return undefined;
  }

  async #attributes(record: number): Promise<Attribute[]> {
    const bytes = await this.#bytes(this.#table, record * this.#recordBytes, this.#recordBytes);
    if (!restoreSectors(bytes, 'FILE')) throw damaged();
    return attributesOf(bytes);
  }

  /** Returns the content of an attribute, whose parts can be in several records; undefined if it is absent. */
  async #stream(record: number, type: number, name: string, isWhole = true): Promise<Stream | undefined> {
    const own = await this.#attributes(record);
    const list = isWhole ? own.find((each) => each.type === ATTRIBUTES.list) : undefined;
    const others = list === undefined ? [] : await this.#listed(list, type);
    const attributes = [...own];
    for (const other of others) if (other !== record) attributes.push(...(await this.#attributes(other)));
    const parts = attributes.filter((each) => each.type === type && each.name === name);
    const [first] = parts;
    if (first === undefined) return undefined;
    if (parts.some(({ isPlain }) => !isPlain))
      throw new CygstrapError('io', 'the file is compressed or encrypted by NTFS');
    return streamOf(parts);
  }

  /** Returns the records that a list of attributes names for a type. */
  async #listed(list: Attribute, type: number): Promise<Set<number>> {
    const stream = streamOf([list]);
    const bytes = await this.#bytes(stream, 0, Math.min(stream.sizeBytes, LONGEST_LIST_BYTES));
    const records = new Set<number>();
    for (let at = 0; at + 24 <= bytes.length;) {
      const lengthBytes = bytes.readUInt16LE(at + 4);
      if (lengthBytes < 24) throw damaged();
      if (bytes.readUInt32LE(at) === type) records.add(bytes.readUIntLE(at + 16, 6));
      at += lengthBytes;
    }
    return records;
  }

  async #bytes(stream: Stream, offsetBytes: number, lengthBytes: number): Promise<Buffer> {
    if ('bytes' in stream) return stream.bytes.subarray(offsetBytes, offsetBytes + lengthBytes);
    const result = Buffer.alloc(lengthBytes);
    const endBytes = Math.min(offsetBytes + lengthBytes, stream.initializedBytes);
    let runStart = 0;
    for (const { at, clusters } of stream.runs) {
      const runEnd = runStart + clusters * this.#clusterBytes;
      const [from, to] = [Math.max(offsetBytes, runStart), Math.min(endBytes, runEnd)];
      if (at !== undefined && from < to) {
        const bytes = await this.#read(at * this.#clusterBytes + from - runStart, to - from);
        if (bytes.length !== to - from) throw damaged();
        bytes.copy(result, from - offsetBytes);
      }
      runStart = runEnd;
    }
    return result;
  }
}

/** Joins the parts of an attribute in the order of their clusters. */
function streamOf(parts: readonly Attribute[]): Stream {
  const runs = parts.flatMap(({ content }) => (content.kind === 'runs' ? [content] : []));
  const [first, ...more] = runs.toSorted((a, b) => a.firstCluster - b.firstCluster);
  if (first !== undefined) {
    const { sizeBytes, initializedBytes } = first;
    return { runs: [first, ...more].flatMap((part) => part.runs), sizeBytes, initializedBytes };
  }
  const resident = parts.flatMap(({ content }) => (content.kind === 'resident' ? [content.bytes] : []))[0];
  if (resident === undefined) throw damaged();
  return { bytes: resident, sizeBytes: resident.length };
}

/** Returns the record of a name among the entries of a node of an index. */
function inIndex(node: Buffer, name: string): number | undefined {
  const wanted = name.toUpperCase();
  const endBytes = Math.min(node.length, node.readUInt32LE(4));
  for (let at = node.readUInt32LE(0); at + 16 <= endBytes;) {
    const lengthBytes = node.readUInt16LE(at + 8);
    if (lengthBytes < 16 || at + lengthBytes > endBytes) throw damaged();
    if ((node.readUInt16LE(at + 12) & LAST_ENTRY) !== 0) return undefined;
    const entry = node.subarray(at, at + lengthBytes);
    const found = entry.toString('utf16le', 82, 82 + 2 * (entry[80] ?? 0));
    if (found.toUpperCase() === wanted) return entry.readUIntLE(0, 6);
    at += lengthBytes;
  }
  return undefined;
}

/** Calls `work`. A number in a damaged structure that leads out of its bytes is an error of the volume. */
async function withinBytes<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RangeError) throw damaged(error);
    throw error;
  }
}

function damaged(cause?: unknown): CygstrapError {
  return new CygstrapError('io', 'the NTFS file system is damaged', cause === undefined ? {} : { cause });
}
