import { damaged } from './image-file.ts';
import type { Extent, ImageFile } from './image-file.ts';
import type { Content, Volume, VolumeEntry } from './volume.ts';

// Source of all offsets: ECMA-119 (ISO 9660), 8.4 and 9.1; Joliet specification; El Torito 1.0.

const SECTOR_BYTES = 2048;
const FIRST_DESCRIPTOR = 16;
const MOST_DESCRIPTORS = 32;
const MOST_DIRECTORY_BYTES = 4 << 20;

const BOOT_RECORD = 0;
const PRIMARY = 1;
const SUPPLEMENTARY = 2;
const TERMINATOR = 255;

/** The firmware that an image can start on. */
export interface Boot {
  readonly bios: boolean;
  readonly uefi: boolean;
}

export interface IsoVolumes {
  readonly primary: Volume;
  readonly joliet: Volume | undefined;
  readonly boot: Boot;
}

/** Opens the ISO 9660 file systems of an image. Returns undefined if it has none. Terminates for any bytes. Throws
 *  `damaged`. */
export async function openIso9660(image: ImageFile): Promise<IsoVolumes | undefined> {
  const volumes = new Map<number, Volume>();
  let boot: Boot = { bios: false, uefi: false };
  for (let i = 0; i < MOST_DESCRIPTORS; i++) {
    const at = (FIRST_DESCRIPTOR + i) * SECTOR_BYTES;
    if (at + SECTOR_BYTES > image.sizeBytes) break;
    const descriptor = await image.bytes(at, SECTOR_BYTES);
    if (descriptor.toString('latin1', 1, 6) !== 'CD001') break;
    const type = descriptor.readUInt8(0);
    if (type === TERMINATOR) break;
    if (type === BOOT_RECORD && descriptor.toString('latin1', 7, 30) === 'EL TORITO SPECIFICATION')
      boot = await bootOf(image, descriptor.readUInt32LE(71) * SECTOR_BYTES);
    const isJoliet = type === SUPPLEMENTARY && /^%\/[@CE]/.test(descriptor.toString('latin1', 88, 91));
    if ((type === PRIMARY || isJoliet) && !volumes.has(type)) volumes.set(type, volumeOf(image, descriptor, isJoliet));
  }
  const primary = volumes.get(PRIMARY);
  return primary && { primary, joliet: volumes.get(SUPPLEMENTARY), boot };
}

function volumeOf(image: ImageFile, descriptor: Buffer, isJoliet: boolean): Volume {
  image.requireSize(descriptor.readUInt32LE(80) * SECTOR_BYTES);
  const nameOf = isJoliet ? utf16 : (bytes: Buffer) => bytes.toString('latin1');
  return {
    format: isJoliet ? 'Joliet' : 'ISO 9660',
    label: nameOf(descriptor.subarray(40, 72)).replace(/[\0 ]+$/, ''),
    image,
    root: entryOf(image, '', true, [extentOf(descriptor, 156)], nameOf),
  };
}

type NameOf = (bytes: Buffer) => string;

function entryOf(
  image: ImageFile,
  name: string,
  isDirectory: boolean,
  extents: readonly Extent[],
  nameOf: NameOf,
): VolumeEntry {
  const sizeBytes = extents.reduce((sum, extent) => sum + extent.sizeBytes, 0);
  const content: Content = { sizeBytes, extents };
  return { name, isDirectory, content: async () => content, list: async () => entriesOf(image, content, nameOf) };
}

/** Reads a directory. A file over 4 GiB has several records, of which all but the last are marked. */
async function entriesOf(image: ImageFile, { sizeBytes, extents }: Content, nameOf: NameOf): Promise<VolumeEntry[]> {
  if (sizeBytes > MOST_DIRECTORY_BYTES) throw damaged('its directories exceed the limit');
  const bytes = await image.bytesOf(extents, 0, sizeBytes);
  const entries: VolumeEntry[] = [];
  let parts: Extent[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt8(at);
    const left = SECTOR_BYTES - (at % SECTOR_BYTES);
    if (length === 0) {
      at += left;
      continue;
    }
    if (length < 34 || length > Math.min(left, bytes.length - at)) throw damaged('a directory record is cut short');
    const nameBytes = bytes.readUInt8(at + 32);
    if (nameBytes === 0 || 33 + nameBytes > length) throw damaged('a directory record is cut short');
    const flags = bytes.readUInt8(at + 25);
    const identifier = bytes.subarray(at + 33, at + 33 + nameBytes);
    parts.push(extentOf(bytes, at));
    const isOwnOrParent = nameBytes === 1 && identifier.readUInt8(0) <= 1;
    const hasMore = (flags & 0x80) !== 0;
    if (!isOwnOrParent && !hasMore) {
      const name = nameOf(identifier).replace(/\.?;\d+$/, '');
      entries.push(entryOf(image, name, (flags & 0x02) !== 0, parts, nameOf));
    }
    if (!hasMore) parts = [];
    at += length;
  }
  return entries;
}

function extentOf(bytes: Buffer, at: number): Extent {
  return { startByte: bytes.readUInt32LE(at + 2) * SECTOR_BYTES, sizeBytes: bytes.readUInt32LE(at + 10) };
}

function utf16(bytes: Buffer): string {
  return Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString('utf16le');
}

/** Reads the boot catalog: a validation entry and its default entry, then sections, all of 32 bytes. */
async function bootOf(image: ImageFile, catalogByte: number): Promise<Boot> {
  const catalog = await image.bytes(catalogByte, SECTOR_BYTES);
  if (catalog.readUInt8(0) !== 1 || catalog.readUInt16LE(30) !== 0xaa55) return { bios: false, uefi: false };
  const platforms = new Set<number>();
  if (catalog.readUInt8(32) === 0x88) platforms.add(catalog.readUInt8(1));
  for (let at = 64; at < SECTOR_BYTES;) {
    const isHeader = catalog.readUInt8(at) === 0x90 || catalog.readUInt8(at) === 0x91;
    if (!isHeader) break;
    const entries = catalog.readUInt16LE(at + 2);
    if (entries > 0 && at + 32 < SECTOR_BYTES && catalog.readUInt8(at + 32) === 0x88)
      platforms.add(catalog.readUInt8(at + 1));
    at += 32 * (1 + entries);
  }
  return { bios: platforms.has(0), uefi: platforms.has(0xef) };
}
