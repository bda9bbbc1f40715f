import { writeFileSync } from 'node:fs';

// A small writer of UDF images for tests, by the same standards as `src/media/inspect/udf.ts`: no program of Debian
// fills an image of revision 2.50.

const SECTOR = 2048;
const PARTITION_START = 260;
/** Type of an extent that is allocated and not recorded, in the top two bits of its length. */
const ALLOCATED = 0x4000_0000;

/** A tree: directories by name, files as bytes, and holes by their size. */
export interface Tree {
  readonly [name: string]: Tree | Uint8Array | number;
}

export interface UdfForm {
  /** Whether directories and file entries are in a metadata partition (2.50 and later). */
  readonly hasMetadata: boolean;
  /** Form of the allocation descriptors of files. */
  readonly files: 'short' | 'long' | 'inline';
  /** Extended file entries, as revision 2.x has them. */
  readonly isExtended: boolean;
}

/** Writes an image with a tree. */
export function writeUdf(path: string, tree: Tree, form: UdfForm): void {
  writeFileSync(path, new Writer(form).image(tree));
}

class Writer {
  readonly #form: UdfForm;
  /** Sectors of the partition, and those of the metadata partition if it has one. */
  readonly #data: Buffer<ArrayBuffer>[] = [];
  readonly #meta: Buffer<ArrayBuffer>[] = [];

  constructor(form: UdfForm) {
    this.#form = form;
  }

  image(tree: Tree): Buffer {
    const { hasMetadata } = this.#form;
    const home = hasMetadata ? this.#meta : this.#data;
    home.push(Buffer.alloc(SECTOR));
    const root = this.#directory(tree);
    const fileSet = Buffer.alloc(SECTOR);
    longAddress(fileSet, 400, SECTOR, root, hasMetadata ? 1 : 0);
    home[0] = tagged(fileSet, 256);
    let metadataBlock = 0;
    if (hasMetadata) {
      metadataBlock = this.#data.length;
      const start = metadataBlock + 1;
      this.#data.push(this.#entry(250, this.#meta.length * SECTOR, [[start, this.#meta.length * SECTOR]], 'short'));
      this.#data.push(...this.#meta);
    }
    const volume = this.#volume(metadataBlock);
    return Buffer.concat([...volume, ...this.#data]);
  }

  #volume(metadataBlock: number): Buffer<ArrayBuffer>[] {
    const sectors = Array.from({ length: PARTITION_START }, () => Buffer.alloc(SECTOR));
    for (const [i, name] of ['BEA01', 'NSR03', 'TEA01'].entries()) sectors[16 + i]?.write(name, 1, 'latin1');
    const anchor = Buffer.alloc(SECTOR);
    anchor.writeUInt32LE(3 * SECTOR, 16);
    anchor.writeUInt32LE(32, 20);
    sectors[256] = tagged(anchor, 2);
    const partition = Buffer.alloc(SECTOR);
    partition.writeUInt32LE(PARTITION_START, 188);
    partition.writeUInt32LE(this.#data.length, 192);
    sectors[32] = tagged(partition, 5);
    const logical = Buffer.alloc(SECTOR);
    logical.write('\u0008TEST', 84, 'latin1');
    logical.writeUInt8(5, 84 + 127);
    logical.writeUInt32LE(SECTOR, 212);
    logical.writeUInt16LE(this.#form.hasMetadata ? 0x0250 : 0x0201, 240);
    longAddress(logical, 248, SECTOR, 0, this.#form.hasMetadata ? 1 : 0);
    logical.writeUInt32LE(this.#form.hasMetadata ? 2 : 1, 268);
    logical.writeUInt8(1, 440);
    logical.writeUInt8(6, 441);
    if (this.#form.hasMetadata) {
      logical.writeUInt8(2, 446);
      logical.writeUInt8(64, 447);
      logical.write('*UDF Metadata Partition', 446 + 5, 'latin1');
      logical.writeUInt32LE(metadataBlock, 446 + 40);
    }
    sectors[33] = tagged(logical, 6);
    sectors[34] = tagged(Buffer.alloc(SECTOR), 8);
    return sectors;
  }

  /** Adds a directory and all below it; returns the block of its file entry. */
  #directory(tree: Tree): number {
    const records = [identifier('', 0, 0, 0x0a)];
    for (const [name, child] of Object.entries(tree)) {
      const isDirectory = typeof child === 'object' && !(child instanceof Uint8Array);
      const block = isDirectory ? this.#directory(child) : this.#file(child);
      records.push(identifier(name, block, this.#form.hasMetadata ? 1 : 0, isDirectory ? 2 : 0));
    }
    const content = Buffer.concat(records);
    const start = this.#add(content, this.#home());
    return this.#add(this.#entry(4, content.length, [[start, content.length]], 'short'), this.#home());
  }

  #file(bytes: Uint8Array | number): number {
    const { files } = this.#form;
    if (typeof bytes === 'number') {
      const most = (1 << 30) - SECTOR;
      const count = Math.ceil(bytes / most);
      const holes = Array.from({ length: count }, (_, i) => [0, Math.min(most, bytes - i * most) + ALLOCATED] as const);
      return this.#add(this.#entry(5, bytes, holes, 'short'), this.#home());
    }
    if (files === 'inline') return this.#add(this.#entry(5, bytes.length, [], 'inline', bytes), this.#home());
    // Two extents, as files over 1 GiB have.
    const half = Math.min(bytes.length, SECTOR);
    const parts = [bytes.subarray(0, half), bytes.subarray(half)].filter(({ length }) => length > 0);
    const extents = parts.map((part) => [this.#add(part, this.#data), part.length] as const);
    return this.#add(this.#entry(5, bytes.length, extents, this.#form.hasMetadata ? 'long' : files), this.#home());
  }

  #home(): Buffer<ArrayBuffer>[] {
    return this.#form.hasMetadata ? this.#meta : this.#data;
  }

  #add(bytes: Uint8Array, to: Buffer<ArrayBuffer>[]): number {
    const block = to.length;
    for (let at = 0; at === 0 || at < bytes.length; at += SECTOR) {
      const sector = Buffer.alloc(SECTOR);
      sector.set(bytes.subarray(at, at + SECTOR));
      to.push(sector);
    }
    return block;
  }

  #entry(
    type: number,
    size: number,
    extents: readonly (readonly [block: number, size: number])[],
    kind: UdfForm['files'],
    inline: Uint8Array = new Uint8Array(),
  ): Buffer<ArrayBuffer> {
    const { isExtended } = this.#form;
    const entry = Buffer.alloc(SECTOR);
    entry.writeUInt8(type, 27);
    entry.writeUInt16LE({ short: 0, long: 1, inline: 3 }[kind], 34);
    entry.writeBigUInt64LE(BigInt(size), 56);
    const start = isExtended ? 216 : 176;
    const step = kind === 'long' ? 16 : 8;
    entry.writeUInt32LE(kind === 'inline' ? inline.length : extents.length * step, start - 4);
    entry.set(inline, start);
    extents.forEach(([block, length], i) => {
      entry.writeUInt32LE(length, start + i * step);
      entry.writeUInt32LE(block, start + i * step + 4);
    });
    return tagged(entry, isExtended ? 266 : 261);
  }
}

function identifier(name: string, block: number, partition: number, characteristics: number): Buffer<ArrayBuffer> {
  const text = name === '' ? Buffer.alloc(0) : Buffer.concat([Buffer.of(16), Buffer.from(name, 'utf16le').swap16()]);
  const record = Buffer.alloc(Math.ceil((38 + text.length) / 4) * 4);
  record.writeUInt8(characteristics, 18);
  record.writeUInt8(text.length, 19);
  longAddress(record, 20, SECTOR, block, partition);
  record.set(text, 38);
  return tagged(record, 257);
}

function longAddress(bytes: Buffer, at: number, size: number, block: number, partition: number): void {
  bytes.writeUInt32LE(size, at);
  bytes.writeUInt32LE(block, at + 4);
  bytes.writeUInt16LE(partition, at + 8);
}

function tagged(bytes: Buffer<ArrayBuffer>, tag: number): Buffer<ArrayBuffer> {
  bytes.writeUInt16LE(tag, 0);
  bytes.writeUInt8(0, 4);
  let sum = 0;
  for (let i = 0; i < 16; i++) sum += bytes.readUInt8(i);
  bytes.writeUInt8(sum & 0xff, 4);
  return bytes;
}
