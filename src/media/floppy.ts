import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { withWorkFile } from './work-file.ts';
import { readFloppy } from './read/fat.ts';
import type { Difference } from './iso-compare.ts';
import { MediaError } from './base/media-error.ts';
import { requireDistinct, requireFloppyName, requireLabel } from './names.ts';
import { runTool } from './tool.ts';
import { hashFile, requireSame } from './written.ts';
import type { WrittenImage } from './written.ts';

/** Space for content on 2880 sectors. Each file occupies whole sectors. */
const ROOM_BYTES = 2847 * 512;
const SECTOR_BYTES = 512;

/** Entries of the root directory: 224 less the volume label. */
const ROOM_ENTRIES = 223;

/** Characters per directory entry of a long name. */
const CHARS_AN_ENTRY = 13;

export interface FloppyOptions {
  /** Content by file name; a floppy has no directories. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Volume label: up to 11 characters of A-Z, 0-9 and `_`. */
  readonly label: string;
  /** Path of the image. */
  readonly out: string;
  /** Date of every file, in seconds since 1970; see `mediumDate`. */
  readonly dateSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** Writes an image of a 1.44 MB floppy (FAT12, long names), reads it back, compares every file, and then renames it
 *  to `out`. The same files, label and date produce the same bytes in any order, with the same version of mtools.
 *  Throws `bad-name`, `clash` and `too-large` before it writes anything, `no-tool`, `tool-failed`, `differs`, `io`,
 *  and the reason of the signal. */
export async function writeFloppy({ files, label, out, dateSeconds, signal }: FloppyOptions): Promise<WrittenImage> {
  const names = [...files.keys()].sort();
  requireLabel(label);
  names.forEach(requireFloppyName);
  requireDistinct(names);
  requireRoom(files);
  return withWorkFile(resolve(out), async (image, directory) => {
    const bytesDirectory = join(directory, 'bytes');
    await mkdir(bytesDirectory);
    for (const name of names) {
      const path = join(bytesDirectory, name);
      await writeFile(path, files.get(name) ?? '');
      await utimes(path, dateSeconds, dateSeconds);
    }
    await runTool('mformat', formatArgs(label, image), { dateSeconds, signal });
    const locations = names.map((name) => join(bytesDirectory, name));
    if (names.length > 0) await runTool('mcopy', copyArgs(locations, image), { dateSeconds, signal });
    requireSame(out, compareFloppy(await readFile(image), files));
    return { path: out, ...(await hashFile(image, signal)), files: files.size };
  });
}

/** Throws `too-large` if the files do not fit. Counts every name as a long one. */
export function requireRoom(files: ReadonlyMap<string, Uint8Array>): void {
  const sizeBytes = [...files.values()].reduce(
    (sum, { length }) => sum + Math.ceil(length / SECTOR_BYTES) * SECTOR_BYTES,
    0,
  );
  const entries = [...files.keys()].reduce((sum, { length }) => sum + 1 + Math.ceil(length / CHARS_AN_ENTRY), 0);
  if (sizeBytes <= ROOM_BYTES && entries <= ROOM_ENTRIES) return;
  const what =
    sizeBytes > ROOM_BYTES
      ? `${sizeBytes} bytes, at most ${ROOM_BYTES}`
      : `the names of ${files.size} files do not fit into the root directory`;
  throw new MediaError('too-large', `the files do not fit on a floppy: ${what}`, {
    hint: 'use an ISO image instead',
    details: { sizeBytes, entries },
  });
}

/** Returns the arguments of `mformat` for an empty floppy with a fixed serial number. Pure. */
export function formatArgs(label: string, image: string): string[] {
  return ['-C', '-f', '1440', '-N', '0', '-v', label, '-i', image, '::'];
}

/** Returns the arguments of `mcopy` that copy files to a floppy with their names and times. Pure. */
export function copyArgs(locations: readonly string[], image: string): string[] {
  return ['-m', '-i', image, ...locations, '::'];
}

/** Compares the names and bytes on a floppy with the expected files. Returns the differences by name. Throws
 *  `damaged`. */
export function compareFloppy(image: Buffer, expected: ReadonlyMap<string, Uint8Array>): Difference[] {
  const found: Difference[] = [];
  const there = new Set<string>();
  const add = (kind: Difference['kind'], path: string): void => void found.push({ view: 'fat', kind, path });
  for (const { name, bytes } of readFloppy(image)) {
    const wanted = expected.get(name);
    if (there.has(name)) add('twice', name);
    else if (wanted === undefined) add('unexpected', name);
    else if (wanted.length !== bytes.length) add('wrong-size', name);
    else if (!bytes.equals(wanted)) add('wrong-content', name);
    there.add(name);
  }
  for (const name of expected.keys()) if (!there.has(name)) add('missing', name);
  return found.sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
}
