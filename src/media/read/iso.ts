import type { FileHandle } from 'node:fs/promises';
import { MediaError } from '../base/media-error.ts';
import { systemUseOf } from './susp.ts';

/** Location of a part of a file in an image. */
export interface Extent {
  readonly startByte: number;
  readonly sizeBytes: number;
}

/** A file of an image in one of its two trees. */
export interface IsoTreeFile {
  /** Slash-separated, as Linux (Rock Ridge) or Windows (Joliet) shows it. */
  readonly path: string;
  readonly sizeBytes: number;
  /** In order; none for an empty file, several for one over 4 GiB. */
  readonly extents: readonly Extent[];
}

/** The files of an image, in the order of its directories. */
export interface IsoTrees {
  readonly rockRidge: readonly IsoTreeFile[];
  readonly joliet: readonly IsoTreeFile[];
}

/** Unit of ISO 9660. */
const SECTOR_BYTES = 2048;

const FIRST_DESCRIPTOR = 16;
const MOST_DESCRIPTORS = 32;
const PRIMARY = 1;
const SUPPLEMENTARY = 2;
const LAST = 255;

/** Bound of the size of all directories; 100,000 files need less. */
const MOST_DIRECTORY_BYTES = 64 << 20;
const MOST_DIRECTORIES = 100_000;
const MOST_PATH_CHARS = 4096;

const FLAG_DIRECTORY = 0x02;
const FLAG_MORE_EXTENTS = 0x80;

/** Reads both trees of an ISO 9660 image: names, sizes and locations, no content. Terminates for any bytes: no
 *  directory is read twice, and their total size is bounded. Throws `damaged` for anything else than such an image,
 *  for locations outside of it, and for anything but plain files and directories. */
export async function readIso(file: FileHandle): Promise<IsoTrees> {
  const image = new Image(file, (await file.stat()).size);
  const roots = new Map<number, Entry>();
  for (let at = FIRST_DESCRIPTOR; ; at++) {
    const descriptor = await image.bytes(at * SECTOR_BYTES, SECTOR_BYTES);
    const type = descriptor.readUInt8(0);
    if (descriptor.toString('latin1', 1, 6) !== 'CD001' || at >= FIRST_DESCRIPTOR + MOST_DESCRIPTORS)
      throw damaged('missing volume descriptors of ISO 9660');
    if (type === LAST) break;
    const isWanted =
      type === PRIMARY || (type === SUPPLEMENTARY && /^%\/[@CE]/.test(descriptor.toString('latin1', 88, 91)));
    if (!isWanted || roots.has(type)) continue;
    if (bothEndian16(descriptor, 128) !== SECTOR_BYTES) throw damaged('its block size is not 2048 bytes');
    roots.set(type, entryOf(descriptor.subarray(156, 190)));
  }
  const primary = roots.get(PRIMARY);
  const joliet = roots.get(SUPPLEMENTARY);
  if (primary === undefined || joliet === undefined)
    throw damaged(`missing ${primary === undefined ? 'primary' : 'Joliet'} tree`);
  return {
    rockRidge: await readTree(image, primary, nameInRockRidge),
    joliet: await readTree(image, joliet, nameInJoliet),
  };
}

/** One directory record. */
interface Entry {
  readonly isDirectory: boolean;
  readonly hasMore: boolean;
  readonly extent: Extent;
  readonly identifier: Buffer;
  readonly systemUse: Buffer;
}

type NameOf = (entry: Entry, image: Image) => Promise<string>;

async function readTree(image: Image, root: Entry, nameOf: NameOf): Promise<IsoTreeFile[]> {
  const files: IsoTreeFile[] = [];
  const left: { readonly prefix: string; readonly extent: Extent }[] = [{ prefix: '', extent: root.extent }];
  const seen = new Set<number>();
  let readBytes = 0;
  for (let directory = left.shift(); directory !== undefined; directory = left.shift()) {
    const { prefix, extent } = directory;
    readBytes += extent.sizeBytes;
    if (seen.has(extent.startByte)) throw damaged(`the directory \`${prefix}\` is in it twice`);
    if (readBytes > MOST_DIRECTORY_BYTES || seen.size >= MOST_DIRECTORIES)
      throw damaged('its directories exceed the limit');
    seen.add(extent.startByte);
    let parts: Extent[] = [];
    let partsName: string | undefined;
    for (const entry of entriesOf(await image.bytes(extent.startByte, extent.sizeBytes))) {
      const path = `${prefix}${checkedName(await nameOf(entry, image))}`;
      if (path.length > MOST_PATH_CHARS) throw damaged('a path exceeds the limit');
      if (partsName !== undefined && partsName !== path) throw damaged(`\`${partsName}\` is cut short`);
      if (entry.isDirectory) {
        left.push({ prefix: `${path}/`, extent: entry.extent });
        continue;
      }
      image.demand(entry.extent);
      if (entry.extent.sizeBytes > 0) parts.push(entry.extent);
      partsName = entry.hasMore ? path : undefined;
      if (entry.hasMore) continue;
      files.push({ path, sizeBytes: parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), extents: parts });
      parts = [];
    }
    if (partsName !== undefined) throw damaged(`\`${partsName}\` is cut short`);
  }
  return files;
}

/** Returns the records of a directory except `.` and `..`. No record crosses a sector boundary; zeros fill the rest. */
function* entriesOf(directory: Buffer): Generator<Entry, void, undefined> {
  for (let at = 0; at < directory.length;) {
    const length = directory.readUInt8(at);
    const left = SECTOR_BYTES - (at % SECTOR_BYTES);
    if (length === 0) {
      at += left;
      continue;
    }
    if (length > Math.min(left, directory.length - at)) throw damaged('a directory record is cut short');
    const entry = entryOf(directory.subarray(at, at + length));
    const isOwnOrParent = entry.identifier.length === 1 && entry.identifier.readUInt8(0) <= 1;
    if (!isOwnOrParent) yield entry;
    at += length;
  }
}

function entryOf(record: Buffer): Entry {
  const nameBytes = record.length < 34 ? 0 : record.readUInt8(32);
  const nameEnd = 33 + nameBytes;
  if (nameBytes === 0 || nameEnd > record.length) throw damaged('a directory record is cut short');
  const flags = record.readUInt8(25);
  if (record.readUInt8(1) !== 0 || record.readUInt16BE(26) !== 0)
    throw damaged('files with extended attributes or gaps are not supported');
  return {
    isDirectory: (flags & FLAG_DIRECTORY) !== 0,
    hasMore: (flags & FLAG_MORE_EXTENTS) !== 0,
    extent: { startByte: bothEndian32(record, 2) * SECTOR_BYTES, sizeBytes: bothEndian32(record, 10) },
    identifier: record.subarray(33, nameEnd),
    systemUse: record.subarray(Math.min(nameEnd + (1 - (nameBytes % 2)), record.length)),
  };
}

async function nameInRockRidge({ systemUse }: Entry, image: Image): Promise<string> {
  const name = await systemUseOf(systemUse, (startByte, sizeBytes) => image.bytes(startByte, sizeBytes));
  if (name === undefined) throw damaged('missing Rock Ridge name');
  return utf8(name);
}

async function nameInJoliet({ identifier }: Entry): Promise<string> {
  if (identifier.length % 2 !== 0) throw damaged('a Joliet name is cut short');
  return Buffer.from(identifier).swap16().toString('utf16le').replace(/;1$/, '');
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw damaged('a Rock Ridge name is not valid UTF-8');
  }
}

function checkedName(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name))
    throw damaged(`invalid file name: ${JSON.stringify(name)}`);
  return name;
}

/** An open image with its size. */
class Image {
  readonly #file: FileHandle;
  readonly #sizeBytes: number;

  constructor(file: FileHandle, sizeBytes: number) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  demand({ startByte, sizeBytes }: Extent): void {
    if (startByte + sizeBytes > this.#sizeBytes) throw damaged('it ends before its files');
  }

  async bytes(startByte: number, sizeBytes: number): Promise<Buffer> {
    this.demand({ startByte, sizeBytes });
    if (sizeBytes > MOST_DIRECTORY_BYTES) throw damaged('its directories exceed the limit');
    const buffer = Buffer.alloc(sizeBytes);
    const { bytesRead } = await this.#file.read(buffer, 0, sizeBytes, startByte);
    if (bytesRead !== sizeBytes) throw damaged('it ends before its files');
    return buffer;
  }
}

/** Reads a number that is stored in both byte orders. */
function bothEndian32(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32LE(at);
  if (bytes.readUInt32BE(at + 4) !== value) throw damaged('both-endian fields disagree');
  return value;
}

function bothEndian16(bytes: Buffer, at: number): number {
  const value = bytes.readUInt16LE(at);
  if (bytes.readUInt16BE(at + 2) !== value) throw damaged('both-endian fields disagree');
  return value;
}

function damaged(why: string): MediaError {
  return new MediaError('damaged', `the image is damaged: ${why}`);
}
