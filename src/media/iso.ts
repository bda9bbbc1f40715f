import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { VerifiedFile } from '../repo/verified.ts';
import { isoDate } from './date.ts';
import { withDraft } from './draft.ts';
import { compareIso } from './iso-compare.ts';
import type { ExpectedFile } from './iso-compare.ts';
import { MediaError } from './media-error.ts';
import { requireDistinct, requireIsoPath, requireLabel } from './names.ts';
import { runTool } from './tool.ts';
import { hashFile, requireSame } from './written.ts';
import type { WrittenImage } from './written.ts';

/** One file for an image: of a repo, at its path there; of this system; or bytes at hand. */
export type IsoEntry =
  | { readonly kind: 'verified'; readonly file: VerifiedFile }
  | { readonly kind: 'host'; readonly path: string; readonly location: string }
  | { readonly kind: 'bytes'; readonly path: string; readonly bytes: Uint8Array };

export interface IsoOptions {
  /** In any order. */
  readonly entries: readonly IsoEntry[];
  /** Name of the volume: up to 11 of A to Z, 0 to 9 and `_`. */
  readonly label: string;
  /** The image's file. */
  readonly out: string;
  /** Of the image and everything on it, in seconds since 1970; see `mediumDate`. */
  readonly dateSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** A file that goes in: its name on the image, and where xorriso reads it. */
export interface Graft {
  readonly path: string;
  readonly location: string;
}

/** Writes an ISO 9660 image that Windows (Joliet) and Linux (Rock Ridge) show with the same long names, files past 4 GiB too, reads it
 *  back, and compares every file in both views with its digest; only then it gets its name. Archives are not copied on the way.
 *  The same entries, label and date give the same bytes, whatever the host's owners, modes, times and order of files, with one
 *  version of xorriso. Throws `bad-name` and `clash` before anything is written, `no-tool`, `tool-failed`, `differs`, `io`, and the signal's reason. */
export async function writeIso({ entries, label, out, dateSeconds, signal }: IsoOptions): Promise<WrittenImage> {
  const paths = entries.map(pathOf);
  requireLabel(label);
  paths.forEach(requireIsoPath);
  requireDistinct(paths);
  return withDraft(resolve(out), async (image, directory) => {
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

/** The words after `xorriso` that write an image of what a graft list names. Pure. */
export function isoArgs({
  label,
  dateSeconds,
  list,
  image,
}: Pick<IsoOptions, 'label' | 'dateSeconds'> & { readonly list: string; readonly image: string }): string[] {
  const date = isoDate(dateSeconds);
  // Without flushing as it goes (we do that once, at the end) it takes a quarter of the time.
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
  // Level 3 for files past 4 GiB; no directory is moved, however deep; a link to a file is that file.
  const form = ['-iso-level', '3', '-D', '-f', '-r', '-J', '-joliet-long'];
  const names = ['-V', label, '-A', '', '-publisher', '', '-p', ''];
  // Who made a file, when, and with which rights says nothing about what it is.
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

/** A list of files for `-path-list`, one a line: `PATH=LOCATION`, by path. Pure. Throws `bad-name` for a location that no line can hold. */
export function graftList(grafts: readonly Graft[]): string {
  const escaped = (text: string): string => text.replaceAll(/[\\=]/g, (char) => `\\${char}`);
  const lines = grafts.map(({ path, location }) => {
    if (/[\n\r\0]/.test(location)) {
      throw new MediaError(
        'bad-name',
        `${JSON.stringify(location)} cannot be put on an image: its name has a line end`,
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
