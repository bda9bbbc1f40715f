import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { withDraft } from './draft.ts';
import { readFloppy } from './read/fat.ts';
import type { Difference } from './iso-compare.ts';
import { MediaError } from './media-error.ts';
import { requireDistinct, requireFloppyName, requireLabel } from './names.ts';
import { runTool } from './tool.ts';
import { hashFile, requireSame } from './written.ts';
import type { WrittenImage } from './written.ts';

/** Of 2880 sectors, what is left for content; a file takes whole sectors. */
const ROOM_BYTES = 2847 * 512;
const SECTOR_BYTES = 512;

/** Of the root directory: 224 entries, one of them the name of the volume. */
const ROOM_ENTRIES = 223;

/** Characters in one entry of a long name. */
const CHARS_AN_ENTRY = 13;

export interface FloppyOptions {
  /** By name; there are no directories. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Name of the volume: up to 11 of A to Z, 0 to 9 and `_`. */
  readonly label: string;
  /** The image's file. */
  readonly out: string;
  /** Of every file, in seconds since 1970; see `mediumDate`. */
  readonly dateSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** Writes an image of a 1.44 MB floppy (FAT12, long names), reads it back and compares every file; only then it gets its name. The same files,
 *  label and date give the same bytes, whatever the order, with one version of mtools. Throws `bad-name`, `clash` and `too-large` before anything is written,
 *  `no-tool`, `tool-failed`, `differs`, `io`, and the signal's reason. */
export async function writeFloppy({ files, label, out, dateSeconds, signal }: FloppyOptions): Promise<WrittenImage> {
  const names = [...files.keys()].sort();
  requireLabel(label);
  names.forEach(requireFloppyName);
  requireDistinct(names);
  requireRoom(files);
  return withDraft(resolve(out), async (image, directory) => {
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

/** Throws `too-large` for files that a floppy has no room for. Every name is taken for a long one. */
export function requireRoom(files: ReadonlyMap<string, Uint8Array>): void {
  const sizeBytes = [...files.values()].reduce(
    (sum, { length }) => sum + Math.ceil(length / SECTOR_BYTES) * SECTOR_BYTES,
    0,
  );
  const entries = [...files.keys()].reduce((sum, { length }) => sum + 1 + Math.ceil(length / CHARS_AN_ENTRY), 0);
  if (sizeBytes <= ROOM_BYTES && entries <= ROOM_ENTRIES) return;
  const what =
    sizeBytes > ROOM_BYTES
      ? `${sizeBytes} bytes, and a floppy has room for ${ROOM_BYTES}`
      : `${files.size} files with such names, for which a floppy's directory has no room`;
  throw new MediaError('too-large', `the files do not fit on a floppy: ${what}`, {
    hint: 'use an ISO image instead',
    details: { sizeBytes, entries },
  });
}

/** The words after `mformat` that make an empty floppy, always with the same serial number. Pure. */
export function formatArgs(label: string, image: string): string[] {
  return ['-C', '-f', '1440', '-N', '0', '-v', label, '-i', image, '::'];
}

/** The words after `mcopy` that put files on a floppy under their own names and times. Pure. */
export function copyArgs(locations: readonly string[], image: string): string[] {
  return ['-m', '-i', image, ...locations, '::'];
}

/** Tells how a floppy differs from what should be on it: names and bytes, nothing more and nothing less. By name. Throws `damaged`. */
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
