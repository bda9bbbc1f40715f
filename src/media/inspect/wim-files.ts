import { damaged } from './image-file.ts';
import type { ResourceReader } from './wim-resource.ts';

// Source of the offsets: Windows Imaging (WIM) file format, Microsoft 2007. The metadata resource of an image has
// security data, the entry of the root, and directories: lists of entries that end with a length of 0.

/** Fixed part of an entry, and of one of its named streams. */
const ENTRY_BYTES = 102;
const STREAM_BYTES = 38;
/** Bound of the entries and streams that are read of one image; a real directory has up to 5,000. */
const MOST_ENTRIES = 100_000;

/** Attribute of a directory. */
const DIRECTORY = 0x10;

interface Entry {
  readonly name: string;
  readonly isDirectory: boolean;
  /** Place of the list of its files; 0 if it has none. */
  readonly list: number;
  readonly streams: number;
  /** Place of the next entry. */
  readonly next: number;
}

interface Wanted {
  readonly path: string;
  /** Its names in small letters, those that are not found yet. */
  readonly names: readonly string[];
}

/** Returns which of some paths are files of an image, in any case of letters, as Windows does. Reads only the
 *  directories on these paths, and 100,000 entries and streams at most. Terminates for any bytes. Throws `damaged`.
 *  @param paths with slashes, relative to the root */
export async function findFiles(metadata: ResourceReader, paths: readonly string[]): Promise<string[]> {
  const securityBytes = (await metadata.bytes(0, 4)).readUInt32LE(0);
  const root = await entryAt(metadata, aligned(Math.max(securityBytes, 8)));
  if (root === undefined) return [];
  const wanted = paths.map((path) => ({ path, names: path.toLowerCase().split('/') }));
  const found = new Set<string>();
  const directories: [list: number, wanted: readonly Wanted[]][] = [[root.list, wanted]];
  let left = MOST_ENTRIES;
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    const [list, below] = directory;
    for (let at = list; at !== 0;) {
      const entry = await entryAt(metadata, at);
      if (entry === undefined) break;
      left -= 1 + entry.streams;
      if (left < 0) throw damaged('directories of a WIM exceed the limit');
      at = entry.next;
      const name = entry.name.toLowerCase();
      const here = below.filter(({ names }) => names[0] === name && entry.isDirectory === names.length > 1);
      if (!entry.isDirectory) for (const { path } of here) found.add(path);
      else if (here.length > 0)
        directories.push([entry.list, here.map(({ path, names }) => ({ path, names: names.slice(1) }))]);
    }
  }
  return paths.filter((path) => found.has(path));
}

/** Reads an entry with its named streams, which follow it. Returns undefined for the end of a list. */
async function entryAt(metadata: ResourceReader, at: number): Promise<Entry | undefined> {
  const length = await lengthAt(metadata, at);
  if (length <= 8) return undefined;
  if (length < ENTRY_BYTES) throw damaged('an entry of a WIM is cut short');
  const bytes = await metadata.bytes(at, ENTRY_BYTES);
  const nameBytes = bytes.readUInt16LE(100);
  if (ENTRY_BYTES + nameBytes > length) throw damaged('an entry of a WIM is cut short');
  const streams = bytes.readUInt16LE(96);
  let next = at + aligned(length);
  for (let i = 0; i < streams; i++) {
    const streamBytes = await lengthAt(metadata, next);
    if (streamBytes < STREAM_BYTES) throw damaged('a stream of a WIM is cut short');
    next += aligned(streamBytes);
  }
  return {
    name: (await metadata.bytes(at + ENTRY_BYTES, nameBytes)).toString('utf16le'),
    isDirectory: (bytes.readUInt32LE(8) & DIRECTORY) !== 0,
    list: Number(bytes.readBigUInt64LE(16)),
    streams,
    next,
  };
}

async function lengthAt(metadata: ResourceReader, at: number): Promise<number> {
  return Number((await metadata.bytes(at, 8)).readBigUInt64LE(0));
}

/** Entries begin at multiples of 8. */
function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
