import { MediaError } from '../base/media-error.ts';
import { damaged } from './image-file.ts';
import { decodeLzx, LZX_CHUNK_BYTES } from './wim-lzx.ts';
import { decodeXpress } from './wim-xpress.ts';

// Source of the offsets: Windows Imaging (WIM) file format, Microsoft 2007.

/** Size of the description of a resource in the header and the table of resources. */
export const RESOURCE_BYTES = 24;

/** Flags of a resource. */
export const METADATA = 0x02;
const COMPRESSED = 0x04;
/** Spanned over parts, or solid. */
const UNREADABLE = 0x08 | 0x10;

/** Bound of the chunks that are read of one resource: 8 MiB of it with chunks of 32 KiB. */
const MOST_CHUNKS = 256;

/** Where a resource of a WIM is, relative to the file. */
export interface WimResource {
  readonly flags: number;
  readonly startByte: number;
  /** Size in the file, with the table of chunks if it is compressed. */
  readonly storedBytes: number;
  readonly sizeBytes: number;
}

/** How the resources of a WIM are compressed. */
export interface WimCompression {
  readonly method: 'none' | 'xpress' | 'lzx' | 'unknown';
  /** Size of a chunk. */
  readonly chunkBytes: number;
}

/** Reads a part of the WIM file. */
export type ReadFile = (startByte: number, sizeBytes: number) => Promise<Buffer>;

/** Reads the description of a resource: 7 bytes size in the file, flags, 8 bytes place, 8 bytes size. */
export function readResource(bytes: Buffer, at: number): WimResource {
  return {
    flags: bytes.readUInt8(at + 7),
    startByte: Number(bytes.readBigUInt64LE(at + 8)),
    storedBytes: bytes.readUIntLE(at, 6) + bytes.readUInt8(at + 6) * 2 ** 48,
    sizeBytes: Number(bytes.readBigUInt64LE(at + 16)),
  };
}

/** Gives access to any part of a resource. Reads and decompresses single chunks, each once, and at most 256. */
export class ResourceReader {
  readonly sizeBytes: number;
  readonly #read: ReadFile;
  readonly #resource: WimResource;
  readonly #method: WimCompression['method'];
  readonly #chunkBytes: number;
  readonly #chunks = new Map<number, Buffer>();

  /** Throws `damaged`, and `unsupported` for an unknown compression. */
  constructor(read: ReadFile, resource: WimResource, { method, chunkBytes }: WimCompression) {
    const { flags, sizeBytes } = resource;
    const isCompressed = (flags & COMPRESSED) !== 0;
    if ((flags & UNREADABLE) !== 0) throw damaged('a resource of a WIM is solid or split');
    if (isCompressed && !isReadable(method, chunkBytes))
      throw new MediaError('unsupported', 'a WIM with this compression cannot be read');
    this.sizeBytes = sizeBytes;
    this.#read = read;
    this.#resource = resource;
    this.#method = isCompressed ? method : 'none';
    this.#chunkBytes = isCompressed ? chunkBytes : LZX_CHUNK_BYTES;
  }

  /** Returns a part. Throws `damaged` if the resource ends before it, and for malformed chunks. */
  async bytes(offset: number, sizeBytes: number): Promise<Buffer> {
    if (offset + sizeBytes > this.sizeBytes) throw damaged('a resource of a WIM ends too early');
    const parts: Buffer[] = [];
    for (let at = offset; at < offset + sizeBytes;) {
      const chunk = Math.floor(at / this.#chunkBytes);
      const start = at - chunk * this.#chunkBytes;
      const bytes = this.#chunks.get(chunk) ?? (await this.#readChunk(chunk));
      const part = bytes.subarray(start, start + offset + sizeBytes - at);
      parts.push(part);
      at += part.length;
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  async #readChunk(chunk: number): Promise<Buffer> {
    if (this.#chunks.size === MOST_CHUNKS) throw damaged('directories of a WIM exceed the limit');
    const size = Math.min(this.#chunkBytes, this.sizeBytes - chunk * this.#chunkBytes);
    const bytes = this.#method === 'none' ? await this.#readStored(chunk, size) : await this.#decode(chunk, size);
    this.#chunks.set(chunk, bytes);
    return bytes;
  }

  #readStored(chunk: number, size: number): Promise<Buffer> {
    return this.#read(this.#resource.startByte + chunk * this.#chunkBytes, size);
  }

  /** Finds a chunk by the table at the start of the resource. The table has the place of each chunk but the first,
   *  relative to its own end. */
  async #decode(chunk: number, size: number): Promise<Buffer> {
    const { startByte, storedBytes, sizeBytes } = this.#resource;
    const entryBytes = sizeBytes < 2 ** 32 ? 4 : 8;
    const entries = Math.ceil(sizeBytes / this.#chunkBytes) - 1;
    const placeOf = async (number: number): Promise<number> => {
      if (number === 0) return 0;
      if (number > entries) return storedBytes - entries * entryBytes;
      const bytes = await this.#read(startByte + (number - 1) * entryBytes, entryBytes);
      return entryBytes === 4 ? bytes.readUInt32LE(0) : Number(bytes.readBigUInt64LE(0));
    };
    const [start, end] = [await placeOf(chunk), await placeOf(chunk + 1)];
    if (end <= start || end - start > size) throw damaged('a chunk of a WIM has an impossible size');
    const stored = await this.#read(startByte + entries * entryBytes + start, end - start);
    if (stored.length === size) return stored;
    const decoded = this.#method === 'lzx' ? decodeLzx(stored, size) : decodeXpress(stored, size);
    return Buffer.from(decoded.buffer, decoded.byteOffset, decoded.length);
  }
}

function isReadable(method: WimCompression['method'], chunkBytes: number): boolean {
  if (method === 'lzx') return chunkBytes === LZX_CHUNK_BYTES;
  return method === 'xpress' && [4096, 8192, 16_384, 32_768, 65_536].includes(chunkBytes);
}
