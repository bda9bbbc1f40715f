import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { VerifiedFile } from '../repo/verified.ts';
import { isoDate } from './date.ts';
import { withWorkFile } from './work-file.ts';
import { compareIso } from './iso-compare.ts';
import type { ExpectedFile } from './iso-compare.ts';
import { MediaError } from './base/media-error.ts';
import { requireDistinct, requireIsoPath, requireLabel } from './names.ts';
import { runTool } from './tool.ts';
import { hashFile, requireSame } from './written.ts';
import type { WrittenImage } from './written.ts';

/** One file for an image: a verified file of a repo at its path there, a file of the host, or bytes. */
export type IsoEntry =
  | { readonly kind: 'verified'; readonly file: VerifiedFile }
  | { readonly kind: 'host'; readonly path: string; readonly location: string }
  | { readonly kind: 'bytes'; readonly path: string; readonly bytes: Uint8Array };

export interface IsoOptions {
  /** In any order; the image is sorted by path. */
  readonly entries: readonly IsoEntry[];
  /** Volume label: up to 11 characters of A-Z, 0-9 and `_`. */
  readonly label: string;
  /** Path of the image. */
  readonly out: string;
  /** Date of the image and of all files, in seconds since 1970; see `mediumDate`. */
  readonly dateSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** A source file: its path on the image, and the path from which xorriso reads it. */
export interface Graft {
  readonly path: string;
  readonly location: string;
}

/** Writes an ISO 9660 image with the same long names for Windows (Joliet) and Linux (Rock Ridge), also of files
 *  over 4 GiB. Reads it back, compares every file in both trees with its digest, and then renames it to `out`.
 *  Makes no copies of archives. The same entries, label and date produce the same bytes, independent of owners,
 *  modes, times and order, with the same version of xorriso. Throws `bad-name` and `clash` before it writes
 *  anything, `no-tool`, `tool-failed`, `differs`, `io`, and the reason of the signal. */
export async function writeIso({ entries, label, out, dateSeconds, signal }: IsoOptions): Promise<WrittenImage> {
  const paths = entries.map(pathOf);
  requireLabel(label);
  paths.forEach(requireIsoPath);
  requireDistinct(paths);
  return withWorkFile(resolve(out), async (image, directory) => {
    const grafts: Graft[] = [];
    const expected: ExpectedFile[] = [];
    await mkdir(join(directory, 'bytes'));
    for (const [number, entry] of entries.entries()) {
      signal?.throwIfAborted();
      const location = await locationOf(entry, join(directory, 'bytes', `${number}`));
      grafts.push({ path: pathOf(entry), location });
      expected.push(await expectedOf(entry, location, signal));
    }
    const list = join(directory, 'grafts');
    await writeFile(list, graftList(grafts));
    await runTool('xorriso', isoArgs({ label, dateSeconds, list, image }), { dateSeconds, signal });
    requireSame(out, await compareIso(image, expected, signal));
    return { path: out, ...(await hashFile(image, signal)), files: entries.length };
  });
}

/** Returns the arguments of `xorriso` that write an image from a path list. Pure. */
export function isoArgs({
  label,
  dateSeconds,
  list,
  image,
}: Pick<IsoOptions, 'label' | 'dateSeconds'> & { readonly list: string; readonly image: string }): string[] {
  const date = isoDate(dateSeconds);
  // Flushing once at the end, by ourselves, takes a quarter of the time.
  const settings = [
    '-no_rc',
    '-report_about',
    'WARNING',
    '-local_charset',
    'UTF-8',
    '-stdio_sync',
    'off',
    '-as',
    'mkisofs',
    '-quiet',
  ];
  // Level 3 for files over 4 GiB; deep directories are not relocated; links are followed.
  const form = ['-iso-level', '3', '-D', '-f', '-r', '-J', '-joliet-long'];
  const names = ['-V', label, '-A', '', '-publisher', '', '-p', ''];
  // Owners, times and modes of the host must not change the image.
  const facts = [
    `--modification-date=${date}`,
    '--set_all_file_dates',
    date,
    '-uid',
    '0',
    '-gid',
    '0',
    '-file-mode',
    '0555',
    '-dir-mode',
    '0555',
  ];
  return [...settings, ...form, ...names, ...facts, '-graft-points', '-path-list', list, '-o', image];
}

/** Returns a file list for `-path-list`, sorted, one `PATH=LOCATION` per line. Pure. Throws `bad-name` for a
 *  location with a line break. */
export function graftList(grafts: readonly Graft[]): string {
  const escaped = (text: string): string => text.replaceAll(/[\\=]/g, (char) => `\\${char}`);
  const lines = grafts.map(({ path, location }) => {
    if (/[\n\r\0]/.test(location)) {
      throw new MediaError(
        'bad-name',
        `${JSON.stringify(location)} cannot be put on an image: its name contains a line break`,
        { hint: 'rename the file or its directory', details: { path: location } },
      );
    }
    return { path, line: `${escaped(path)}=${escaped(location)}\n` };
  });
  return lines
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ line }) => line)
    .join('');
}

function pathOf(entry: IsoEntry): string {
  return entry.kind === 'verified' ? entry.file.path : entry.path;
}

async function locationOf(entry: IsoEntry, draft: string): Promise<string> {
  if (entry.kind === 'verified') return entry.file.location;
  if (entry.kind === 'host') return resolve(entry.location);
  await writeFile(draft, entry.bytes);
  return draft;
}

async function expectedOf(entry: IsoEntry, location: string, signal: AbortSignal | undefined): Promise<ExpectedFile> {
  const path = pathOf(entry);
  if (entry.kind === 'bytes')
    return {
      path,
      sizeBytes: entry.bytes.length,
      digest: { algorithm: 'sha512', hex: createHash('sha512').update(entry.bytes).digest('hex') },
    };
  if (entry.kind === 'verified' && entry.file.digest !== undefined)
    return { path, sizeBytes: entry.file.sizeBytes, digest: entry.file.digest };
  const { sizeBytes, sha512 } = await hashFile(location, signal);
  return {
    path,
    sizeBytes: entry.kind === 'verified' ? entry.file.sizeBytes : sizeBytes,
    digest: { algorithm: 'sha512', hex: sha512 },
  };
}
