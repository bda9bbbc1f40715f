import { damaged } from './image-file.ts';
import type { Extent, ImageFile } from './image-file.ts';
import type { Content, Volume, VolumeEntry } from './volume.ts';

// Source of all offsets: ECMA-167, 3rd edition (volume structure in part 3, file structure in part 4), and OSTA UDF
// 2.50.

const SECTOR_BYTES = 2048;
/** Location of the anchor (part 3, 8.4.2.1). */
const ANCHOR_SECTOR = 256;

/** Tag identifiers (part 3, 7.2.1 and part 4, 7.2.1). */
const ANCHOR = 2;
const PARTITION = 5;
const LOGICAL_VOLUME = 6;
const TERMINATOR = 8;
const FILE_SET = 256;
const FILE_IDENTIFIER = 257;
const ALLOCATION_EXTENT = 258;
const FILE_ENTRY = 261;
const EXTENDED_FILE_ENTRY = 266;

const MOST_DESCRIPTORS = 256;
const MOST_EXTENTS = 100_000;
const MOST_DIRECTORY_BYTES = 4 << 20;

/** Characteristics of a file (part 4, 14.4.3). */
const DIRECTORY = 0x02;
const DELETED = 0x04;
const PARENT = 0x08;

/** Forms of allocation descriptors (part 4, 14.6.8), and types of extents (part 4, 14.14.1.1). */
const SHORT = 0;
const LONG = 1;
const INLINE = 3;
const RECORDED = 0;
const CONTINUED = 3;

/** Returns where a number of bytes is, beginning with a block of one partition. */
type PlaceOf = (block: number, sizeBytes: number) => readonly Extent[];

/** `long_ad` (part 4, 14.14.2). */
interface Address {
  readonly sizeBytes: number;
  readonly block: number;
  /** Number of the partition map. */
  readonly partition: number;
}

/** The partition maps of a volume. */
interface Partitions {
  readonly image: ImageFile;
  readonly places: readonly PlaceOf[];
}

/** Returns whether an image has a UDF file system: `NSR02` or `NSR03` among the volume structure descriptors from
 *  sector 16 on (part 2, 9.1). */
export async function hasUdf(image: ImageFile): Promise<boolean> {
  for (let sector = 16; sector < 16 + 64 && (sector + 1) * SECTOR_BYTES <= image.sizeBytes; sector++) {
    const identifier = (await image.bytes(sector * SECTOR_BYTES + 1, 5)).toString('latin1');
    if (identifier === 'NSR02' || identifier === 'NSR03') return true;
    if (!['CD001', 'BEA01', 'BOOT2', 'CDW02'].includes(identifier)) return false;
  }
  return false;
}

/** Opens the UDF file system of an image: revisions 1.02 to 2.60, with a plain partition or a metadata partition.
 *  Terminates for any bytes. Throws `damaged`. */
export async function openUdf(image: ImageFile): Promise<Volume> {
  const anchor = await descriptorAt(image, ANCHOR_SECTOR * SECTOR_BYTES, ANCHOR);
  const sequenceSectors = Math.min(Math.floor(anchor.readUInt32LE(16) / SECTOR_BYTES), MOST_DESCRIPTORS);
  const partitions = new Map<number, Content & { readonly startByte: number }>();
  let logical: Buffer | undefined;
  for (let i = 0; i < sequenceSectors; i++) {
    const descriptor = await descriptorAt(image, (anchor.readUInt32LE(20) + i) * SECTOR_BYTES);
    const tag = descriptor.readUInt16LE(0);
    if (tag === TERMINATOR) break;
    if (tag === LOGICAL_VOLUME) logical = descriptor;
    if (tag !== PARTITION) continue;
    const [startByte, sizeBytes] = [188, 192].map((at) => descriptor.readUInt32LE(at) * SECTOR_BYTES);
    if (startByte !== undefined && sizeBytes !== undefined)
      partitions.set(descriptor.readUInt16LE(22), { startByte, sizeBytes, extents: [{ startByte, sizeBytes }] });
  }
  if (logical === undefined || partitions.size === 0) throw damaged('its UDF volume has no partition');
  if (logical.readUInt32LE(212) !== SECTOR_BYTES) throw damaged('its UDF blocks do not have 2048 bytes');
  const endByte = Math.max(...[...partitions.values()].map(({ startByte, sizeBytes }) => startByte + sizeBytes));
  image.requireSize(endByte);
  const maps = await mapsOf(image, logical, partitions);
  const fileSet = await descriptorIn(maps, longAddress(logical, 248), FILE_SET);
  const revision = logical.readUInt16LE(240);
  return {
    format: `UDF ${revision >> 8}.${(revision & 0xff).toString(16).padStart(2, '0')}`,
    label: dString(logical.subarray(84, 84 + 128)),
    image,
    root: entryAt(maps, longAddress(fileSet, 400), '', true),
  };
}

/** Reads the partition maps (part 3, 10.7). A metadata partition (UDF 2.50, 2.2.10) is a file of another partition. */
async function mapsOf(
  image: ImageFile,
  logical: Buffer,
  partitions: ReadonlyMap<number, Content>,
): Promise<Partitions> {
  const places: PlaceOf[] = [];
  let at = 440;
  for (let left = logical.readUInt32LE(268); left > 0; left--) {
    if (at + 64 > SECTOR_BYTES) throw damaged('its UDF partition maps are cut short');
    const type = logical.readUInt8(at);
    const isMetadata = type === 2 && logical.toString('latin1', at + 5, at + 28) === '*UDF Metadata Partition';
    if (type !== 1 && !isMetadata) throw damaged('its UDF partition is of an unsupported type');
    const partition = partitions.get(logical.readUInt16LE(at + (type === 1 ? 4 : 38)));
    if (partition === undefined) throw damaged('a UDF partition is missing');
    const physical = placeIn(partition);
    if (isMetadata) {
      const block = logical.readUInt32LE(at + 40);
      places.push(placeIn(await contentAt({ image, places: [physical] }, { sizeBytes: 0, block, partition: 0 })));
    } else places.push(physical);
    at += Math.max(logical.readUInt8(at + 1), 6);
  }
  return { image, places };
}

/** Blocks of the content of a partition. */
function placeIn({ extents }: Content): PlaceOf {
  return (block, sizeBytes) => {
    const found: Extent[] = [];
    let skip = block * SECTOR_BYTES;
    let left = sizeBytes;
    for (const extent of extents) {
      if (skip >= extent.sizeBytes) skip -= extent.sizeBytes;
      else if (left > 0) {
        const count = Math.min(left, extent.sizeBytes - skip);
        found.push({
          startByte: extent.startByte === undefined ? undefined : extent.startByte + skip,
          sizeBytes: count,
        });
        left -= count;
        skip = 0;
      }
    }
    if (left > 0) throw damaged('it refers to a block outside of its UDF partition');
    return found;
  };
}

function placeOf({ places }: Partitions, partition: number): PlaceOf {
  const place = places[partition];
  if (place === undefined) throw damaged('it refers to a UDF partition that it does not have');
  return place;
}

function entryAt(maps: Partitions, address: Address, name: string, isDirectory: boolean): VolumeEntry {
  let content: Promise<Content> | undefined;
  const read = (): Promise<Content> => (content ??= contentAt(maps, address));
  return { name, isDirectory, content: read, list: async () => entriesOf(maps, await read()) };
}

/** Reads a file entry (part 4, 14.9 and 14.17). */
async function contentAt(maps: Partitions, address: Address): Promise<Content> {
  const place = placeOf(maps, address.partition);
  const entry = await descriptorIn(maps, address, FILE_ENTRY, EXTENDED_FILE_ENTRY);
  const isExtended = entry.readUInt16LE(0) === EXTENDED_FILE_ENTRY;
  const lengthsAt = isExtended ? 208 : 168;
  const start = lengthsAt + 8 + entry.readUInt32LE(lengthsAt);
  const descriptorBytes = entry.readUInt32LE(lengthsAt + 4);
  const sizeBytes = Number(entry.readBigUInt64LE(56));
  if (start + descriptorBytes > SECTOR_BYTES) throw damaged('a UDF file entry is cut short');
  const form = entry.readUInt16LE(34) & 7;
  if (form === INLINE) {
    const [extent] = place(address.block, SECTOR_BYTES);
    if (extent?.startByte === undefined || sizeBytes > descriptorBytes) throw damaged('a UDF file entry is cut short');
    return { sizeBytes, extents: [{ startByte: extent.startByte + start, sizeBytes }] };
  }
  if (form !== SHORT && form !== LONG) throw damaged('a UDF file entry has an unknown form');
  const extents: Extent[] = [];
  let descriptors = entry.subarray(start, start + descriptorBytes);
  for (let at = 0, step = form === SHORT ? 8 : 16; at + step <= descriptors.length; at += step) {
    if (extents.length > MOST_EXTENTS) throw damaged('a UDF file has too many extents');
    const length = descriptors.readUInt32LE(at);
    const [count, type] = [length & 0x3fff_ffff, length >>> 30];
    if (count === 0) break;
    const block = descriptors.readUInt32LE(at + 4);
    const there = form === SHORT ? place : placeOf(maps, descriptors.readUInt16LE(at + 8));
    if (type === RECORDED) extents.push(...there(block, count));
    else if (type === CONTINUED) {
      const partition = form === SHORT ? address.partition : descriptors.readUInt16LE(at + 8);
      const more = await descriptorIn(maps, { sizeBytes: count, block, partition }, ALLOCATION_EXTENT);
      descriptors = more.subarray(24, 24 + Math.min(more.readUInt32LE(20), SECTOR_BYTES - 24));
      at = -step;
      extents.push({ startByte: undefined, sizeBytes: 0 });
    } else extents.push({ startByte: undefined, sizeBytes: count });
  }
  return { sizeBytes, extents };
}

/** Reads a directory: file identifier descriptors (part 4, 14.4). */
async function entriesOf(maps: Partitions, { sizeBytes, extents }: Content): Promise<VolumeEntry[]> {
  if (sizeBytes > MOST_DIRECTORY_BYTES) throw damaged('its directories exceed the limit');
  const bytes = await maps.image.bytesOf(extents, 0, sizeBytes);
  const entries: VolumeEntry[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 38 > bytes.length || bytes.readUInt16LE(at) !== FILE_IDENTIFIER)
      throw damaged('a UDF directory is cut short');
    const characteristics = bytes.readUInt8(at + 18);
    const nameAt = at + 38 + bytes.readUInt16LE(at + 36);
    const end = nameAt + bytes.readUInt8(at + 19);
    if (end > bytes.length) throw damaged('a UDF directory is cut short');
    const isParentOrDeleted = (characteristics & (PARENT | DELETED)) !== 0;
    if (!isParentOrDeleted) {
      const name = compressed(bytes.subarray(nameAt, end));
      entries.push(entryAt(maps, longAddress(bytes, at + 20), name, (characteristics & DIRECTORY) !== 0));
    }
    at += Math.ceil((end - at) / 4) * 4;
  }
  return entries;
}

function longAddress(bytes: Buffer, at: number): Address {
  return {
    sizeBytes: bytes.readUInt32LE(at) & 0x3fff_ffff,
    block: bytes.readUInt32LE(at + 4),
    partition: bytes.readUInt16LE(at + 8),
  };
}

function descriptorIn(maps: Partitions, { block, partition }: Address, ...tags: number[]): Promise<Buffer> {
  const [extent] = placeOf(maps, partition)(block, SECTOR_BYTES);
  if (extent?.startByte === undefined) throw damaged('a UDF descriptor is not recorded');
  return descriptorAt(maps.image, extent.startByte, ...tags);
}

/** Reads a descriptor of one of these tags, or of any, and checks the sum of its tag (part 3, 7.2.3). */
async function descriptorAt(image: ImageFile, startByte: number, ...tags: number[]): Promise<Buffer> {
  const bytes = await image.bytes(startByte, SECTOR_BYTES);
  let sum = 0;
  for (let i = 0; i < 16; i++) if (i !== 4) sum += bytes.readUInt8(i);
  const tag = bytes.readUInt16LE(0);
  if ((sum & 0xff) !== bytes.readUInt8(4) || (tags.length > 0 && !tags.includes(tag)))
    throw damaged(`it has no UDF descriptor at byte ${startByte}`);
  return bytes;
}

/** Text whose last byte is its length (part 1, 7.2.12). */
function dString(field: Buffer): string {
  const length = field.readUInt8(field.length - 1);
  return length === 0 || length >= field.length ? '' : compressed(field.subarray(0, length));
}

/** Text of 8 or 16 bits a character, as its first byte says (UDF 2.1.1). */
function compressed(bytes: Buffer): string {
  const characters = bytes.subarray(1);
  if (bytes[0] === 8) return characters.toString('latin1');
  if (bytes[0] !== 16 || characters.length % 2 !== 0) throw damaged('a UDF name has an unknown form');
  return Buffer.from(characters).swap16().toString('utf16le');
}
