import { MediaError } from '../base/media-error.ts';

/** A file of a floppy. */
export interface FloppyFile {
  /** The long name if there is one, else the short name. */
  readonly name: string;
  readonly bytes: Buffer;
}

const ENTRY_BYTES = 32;
const SECTOR_BYTES = 512;

/** Twice the size of the largest floppy format. */
const MOST_BYTES = 5_898_240;

const ATTRIBUTE_VOLUME = 0x08;
const ATTRIBUTE_DIRECTORY = 0x10;
const ATTRIBUTE_LONG_NAME = 0x0f;

/** Flags with which Windows NT and Linux show the stem and the extension of a short name in lower case. */
const CASE_LOWER_STEM = 0x08;
const CASE_LOWER_EXTENSION = 0x10;

/** FAT12 entries from this value on end a chain. */
const END_OF_CHAIN = 0xff8;

/** Reads all files of the root directory of a FAT12 image, in their order. Terminates for any bytes. Throws
 *  `damaged` for anything else than such an image, for a subdirectory, and for a file with missing or shared
 *  clusters. */
export function readFloppy(image: Buffer): FloppyFile[] {
  const { fat, root, clusterAt, clusters } = layoutOf(image);
  const taken = new Set<number>();
  const contentOf = (first: number, sizeBytes: number): Buffer => {
    const parts: Buffer[] = [];
    let leftBytes = sizeBytes;
    for (let cluster = first; leftBytes > 0; cluster = nextOf(fat, cluster)) {
      if (cluster < 2 || cluster >= clusters + 2 || taken.has(cluster))
        throw damaged('a file is cut short or shares clusters');
      taken.add(cluster);
      const part = clusterAt(cluster);
      parts.push(part.subarray(0, Math.min(part.length, leftBytes)));
      leftBytes -= part.length;
      if (leftBytes <= 0 && nextOf(fat, cluster) < END_OF_CHAIN) throw damaged('a file has clusters after its end');
    }
    return Buffer.concat(parts);
  };
  const files: FloppyFile[] = [];
  let long: LongName | undefined;
  for (let at = 0; at + ENTRY_BYTES <= root.length; at += ENTRY_BYTES) {
    const entry = root.subarray(at, at + ENTRY_BYTES);
    const first = entry.readUInt8(0);
    if (first === 0) break;
    if (first === 0xe5) continue;
    const attributes = entry.readUInt8(11);
    if (attributes === ATTRIBUTE_LONG_NAME) {
      long = withPart(long, entry);
      continue;
    }
    const longName = finished(long, entry);
    long = undefined;
    if ((attributes & ATTRIBUTE_VOLUME) !== 0) continue;
    if ((attributes & ATTRIBUTE_DIRECTORY) !== 0) throw damaged('subdirectories are not supported');
    files.push({
      name: longName ?? shortName(entry),
      bytes: contentOf(entry.readUInt16LE(26), entry.readUInt32LE(28)),
    });
  }
  return files;
}

/** Locates the parts of an image by its boot sector. */
function layoutOf(image: Buffer) {
  if (image.length < SECTOR_BYTES || image.length > MOST_BYTES || image.readUInt16LE(11) !== SECTOR_BYTES)
    throw damaged('missing boot sector');
  const clusterSectors = image.readUInt8(13);
  const reserved = image.readUInt16LE(14);
  const fats = image.readUInt8(16);
  const rootEntries = image.readUInt16LE(17);
  const sectors = image.readUInt16LE(19);
  const fatSectors = image.readUInt16LE(22);
  const rootStart = reserved + fats * fatSectors;
  const dataStart = rootStart + Math.ceil((rootEntries * ENTRY_BYTES) / SECTOR_BYTES);
  const clusters = Math.floor((sectors - dataStart) / clusterSectors);
  const isWhole = sectors * SECTOR_BYTES === image.length && clusterSectors > 0 && reserved > 0 && fats > 0;
  // The bound of FAT12.
  if (!isWhole || clusters < 1 || clusters > 4084 || Math.ceil(((clusters + 2) * 3) / 2) > fatSectors * SECTOR_BYTES)
    throw damaged('its boot sector does not match its size');
  const sectorsAt = (start: number, count: number): Buffer =>
    image.subarray(start * SECTOR_BYTES, (start + count) * SECTOR_BYTES);
  return {
    fat: sectorsAt(reserved, fatSectors),
    root: image.subarray(rootStart * SECTOR_BYTES, rootStart * SECTOR_BYTES + rootEntries * ENTRY_BYTES),
    clusters,
    clusterAt: (cluster: number) => sectorsAt(dataStart + (cluster - 2) * clusterSectors, clusterSectors),
  };
}

/** Reads a 12-bit entry; two entries occupy three bytes. */
function nextOf(fat: Buffer, cluster: number): number {
  const pair = fat.readUInt16LE(Math.floor((cluster * 3) / 2));
  return cluster % 2 === 0 ? pair & 0xfff : pair >> 4;
}

/** A partly read long name; its last part comes first. */
interface LongName {
  readonly text: string;
  readonly checksum: number;
  /** Number of the part that was read last; 1 for a complete name. */
  readonly part: number;
}

function withPart(before: LongName | undefined, entry: Buffer): LongName {
  const order = entry.readUInt8(0);
  const isLast = (order & 0x40) !== 0;
  const part = order & 0x3f;
  const checksum = entry.readUInt8(13);
  const follows = isLast
    ? before === undefined
    : before !== undefined && before.part === part + 1 && before.checksum === checksum;
  if (!follows || part === 0) throw damaged('the parts of a long name are out of order');
  const units = [...unitsAt(entry, 1, 5), ...unitsAt(entry, 14, 6), ...unitsAt(entry, 28, 2)];
  const end = units.indexOf(0);
  const text = String.fromCharCode(...(end < 0 ? units : units.slice(0, end)));
  return { text: `${text}${before?.text ?? ''}`, checksum, part };
}

function unitsAt(entry: Buffer, at: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => entry.readUInt16LE(at + 2 * i));
}

/** Returns the long name of a short entry; undefined without one. */
function finished(long: LongName | undefined, entry: Buffer): string | undefined {
  if (long === undefined) return undefined;
  const checksum = entry.subarray(0, 11).reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);
  if (long.part !== 1 || long.checksum !== checksum) throw damaged('a long name belongs to no file');
  return long.text;
}

function shortName(entry: Buffer): string {
  const cases = entry.readUInt8(12);
  const part = (start: number, end: number, lower: number): string => {
    const text = entry.toString('latin1', start, end).trimEnd();
    return (cases & lower) === 0 ? text : text.toLowerCase();
  };
  const stem = part(0, 8, CASE_LOWER_STEM);
  const extension = part(8, 11, CASE_LOWER_EXTENSION);
  return extension === '' ? stem : `${stem}.${extension}`;
}

function damaged(why: string): MediaError {
  return new MediaError('damaged', `the floppy image is damaged: ${why}`);
}
