/** A file of the host, with its identity before it was read. */
export interface HostFile {
  readonly path: string;
  /** See `identityOf`. */
  readonly identity: string;
}

/** One entry of a guest's file tree. Paths are relative, with `/`, without `.` and `..`. */
export type TreeEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode?: number }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly content: Uint8Array | string;
      readonly mode?: number;
      readonly from?: HostFile;
    }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string };

const TYPE_BITS = { directory: 0o040000, file: 0o100000, symlink: 0o120000 } as const;
const MODES = { directory: 0o755, file: 0o644, symlink: 0o777 } as const;

/** Returns the pieces of a cpio archive (`newc`, the format of an initramfs). The same entries in any order give the
 *  same bytes: sorted by path, owner root, time 0, missing parent directories added. Of two entries with one path the
 *  later wins.
 *  Throws TypeError for a path that is not relative or not normalized.
 *  Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst. */
export function cpioArchive(entries: readonly TreeEntry[]): Uint8Array[] {
  const byPath = new Map<string, TreeEntry>();
  for (const entry of entries) {
    for (const path of directoriesAbove(entry.path))
      if (!byPath.has(path)) byPath.set(path, { kind: 'directory', path });
    byPath.set(entry.path, entry);
  }
  const sorted = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const chunks = sorted.flatMap((entry, index) => member(entry, index + 1));
  return [...chunks, ...record({ ino: 0, mode: 0, path: 'TRAILER!!!', data: new Uint8Array(0) })];
}

function directoriesAbove(path: string): string[] {
  const words = path.split('/');
  if (words.some((word) => word === '' || word === '.' || word === '..'))
    throw new TypeError(`not a relative, normalized path: ${path}`);
  return words.slice(1).map((_, index) => words.slice(0, index + 1).join('/'));
}

function member(entry: TreeEntry, ino: number): Uint8Array[] {
  const mode = TYPE_BITS[entry.kind] | ((entry.kind === 'symlink' ? undefined : entry.mode) ?? MODES[entry.kind]);
  return record({ ino, mode, path: entry.path, data: dataOf(entry) });
}

function dataOf(entry: TreeEntry): Uint8Array {
  switch (entry.kind) {
    case 'directory':
      return new Uint8Array(0);
    case 'file':
      return typeof entry.content === 'string' ? Buffer.from(entry.content) : entry.content;
    case 'symlink':
      return Buffer.from(entry.target);
    default:
      return entry satisfies never;
  }
}

interface CpioRecord {
  readonly ino: number;
  readonly mode: number;
  readonly path: string;
  readonly data: Uint8Array;
}

function record({ ino, mode, path, data }: CpioRecord): Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const isDirectory = (mode & 0o170000) === TYPE_BITS.directory;
  // ino, mode, uid, gid, links, time, size, device (2), device of a node (2), length of the name, checksum
  const numbers = [ino, mode, 0, 0, isDirectory ? 2 : 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${numbers.map((each) => each.toString(16).padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), data, padding(data.length)].filter(
    (chunk) => chunk.length > 0,
  );
}

function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4);
}
