import { join } from 'node:path';
import { CygstrapError } from '../../errors.ts';
import type { RepoPath } from './file.ts';

/** Directory of cygstrap's own files in a repo; setup ignores it, because it has no `ARCH` directory. */
export const OWN_DIR = '.cygstrap';

/** Marks a repo of cygstrap and records its layout: `.cygstrap/repo.json`. Without it nothing is deleted. */
export const MARKER_NAME = 'repo.json';

/** The files that were verified, and their status at that time: `.cygstrap/verified`; see `verification-cache.ts`. */
export const VERIFICATION_CACHE_NAME = 'verified';

/** The paths at which files may be replaced and deleted: `.cygstrap/placed`; see `disk/placed-files.ts`. */
export const PLACED_NAME = 'placed';

/** The indexes from which the repo was made, unchanged: `.cygstrap/index/`. */
export const OWN_INDEXES = 'index';

/** The newest time of an index that was published, for each signer: `.cygstrap/newest-index.json`. */
export const NEWEST_INDEX_NAME = 'newest-index.json';

/** Held by the process that changes the repo: `.cygstrap/lock`; see `io/lock-file.ts`. */
export const LOCK_NAME = 'lock';

/** Suffix of a file that is being downloaded, beside its target: `bash-5.2-1.tar.xz.part`. Kept if a download breaks
 *  off. */
export const PART_SUFFIX = '.part';

/** Suffix of the note of a kept part: its content and its state at the site, as JSON. */
export const PART_NOTE_SUFFIX = '.part.json';

/** Suffix of a file from the archive cache until it is verified; never opened for writing, it can be a hard link. */
export const PART_CACHED_SUFFIX = '.part.cached';

/** Suffix of the unfinished files of setup, and of cygstrap's temporary files. */
export const TEMP_SUFFIX = '.tmp';

/** Suffixes of unfinished files. */
export const OWN_SUFFIXES: readonly string[] = [PART_SUFFIX, PART_NOTE_SUFFIX, PART_CACHED_SUFFIX, TEMP_SUFFIX];

/** Matches the lower-case name of an index or its signature; group 1 is the form, group 2 exists for a signature. */
export const INDEX_NAME = /^setup\.(zst|xz|bz2|ini)(\.sig)?$/;

/** First line of an index that lists only what its repo has; a comment for setup. All files of such an index must
 *  exist, also in a copy of the repo. Any other index lists the files of a site. */
export const SUBSET_MARK = '# cygstrap: lists only what this repo has';

/** The layout of a repo. `flat`: paths of the index start at the root. `site`: they start in a directory named after
 *  the site, as in a download directory of setup. */
export type RepoLayout = { readonly kind: 'flat' } | { readonly kind: 'site'; readonly site: string };

/** The directories of a repo. */
export interface RepoPlaces {
  /** The directory of the repo, absolute. */
  readonly root: string;
  /** Where paths of the index start, relative to the root; empty for a flat repo. */
  readonly base: string;
}

/** Returns the directories of a repo; `root` is absolute. */
export function placesOf(root: string, layout: RepoLayout): RepoPlaces {
  return { root, base: layout.kind === 'flat' ? '' : siteDirectory(layout.site) };
}

/** Returns the absolute path of a file of the index. */
export function locate({ root, base }: RepoPlaces, path: RepoPath): string {
  // Not `join`: parsed paths are normalized, and this is called for every file.
  return base === '' ? `${root}/${path}` : `${root}/${base}/${path}`;
}

/** Returns the path of a file of the index, relative to the root of the repo. */
export function keyOf({ base }: RepoPlaces, { path }: { readonly path: RepoPath }): string {
  return base === '' ? path : `${base}/${path}`;
}

/** Returns the absolute path of the directory of one architecture, which contains its index. Throws `repo` for an
 *  invalid name. */
export function archDirectory({ root, base }: RepoPlaces, arch: string): string {
  return join(root, base, requireArch(arch));
}

/** Returns the name of an architecture. Throws `repo` unless it is a plain word. */
export function requireArch(arch: string): string {
  if (/^[a-z0-9_]+$/.test(arch)) return arch;
  throw new CygstrapError('repo', `invalid architecture: \`${arch}\``);
}

/** Returns the absolute path of one of cygstrap's own files in a repo. */
export function ownFile(root: string, name: string): string {
  return join(root, OWN_DIR, name);
}

/** Characters that setup escapes in the name of a site's directory, besides control characters and those outside of
 *  ASCII. */
const ESCAPED = new Set('<>"#%{}|\\^~[]`\' ;/?:@=&');

/** Returns the name of the directory into which setup downloads from a site: the address with a final `/`, unsafe
 *  characters as `%xx` in lower case. The case of the address stays. Source: cygwin-setup csu_util/rfc1738.cc @
 *  09e4f16. */
export function siteDirectory(site: string): string {
  const canonical = site.endsWith('/') ? site : `${site}/`;
  return Array.from(Buffer.from(canonical), (byte) => {
    const char = String.fromCharCode(byte);
    const isEscaped = byte <= 0x1f || byte >= 0x7f || ESCAPED.has(char);
    return isEscaped ? `%${byte.toString(16).padStart(2, '0')}` : char;
  }).join('');
}

/** Returns the address of the site of a download directory; undefined if setup would not find its archives: the name
 *  must be the escaped address, in any case. Source: cygwin-setup package_source.cc, download.cc `check_for_cached` @
 *  09e4f16. */
export function siteOfDirectory(name: string): string | undefined {
  const bytes: number[] = [];
  const raw = Buffer.from(name);
  for (let i = 0; i < raw.length; i++) {
    const hex = raw[i] === 0x25 ? raw.toString('latin1', i + 1, i + 3) : '';
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      i += 2;
    } else bytes.push(raw[i] ?? 0);
  }
  const site = Buffer.from(bytes).toString();
  const isExact = site.endsWith('/') && siteDirectory(site).toLowerCase() === name.toLowerCase();
  return isExact ? site : undefined;
}
