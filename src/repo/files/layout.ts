import { join } from 'node:path';
import { CygstrapError } from '../../errors.ts';
import type { RepoPath } from './file.ts';

/** The directory below the repo that holds everything of ours; setup looks for `*\/ARCH/` only, and this has none. */
export const OWN_DIR = '.cygstrap';

/** Says that a directory is a repo of ours, and how it is laid out: `.cygstrap/repo.json`. Without it nothing is ever deleted. */
export const MARKER_NAME = 'repo.json';

/** The files that were verified, and their status at that time: `.cygstrap/verified`; see `verification-cache.ts`. */
export const VERIFICATION_CACHE_NAME = 'verified';

/** The indexes that the repo was made from, as they were sent: `.cygstrap/index/`. */
export const OWN_INDEXES = 'index';

/** Who changes the repo at the moment: `.cygstrap/lock`; see `io/lock-file.ts`. */
export const LOCK_NAME = 'lock';

/** Ends the name of a file on its way in, beside its target: `bash-5.2-1.tar.xz.part`. Kept when a download breaks. */
export const PART_SUFFIX = '.part';

/** Ends the name of what belongs to a kept download: which file and which state of it at the site, as JSON. */
export const PART_NOTE_SUFFIX = '.part.json';

/** Ends the name of a file that comes from the shared cache, until its bytes are compared. */
export const PART_CACHED_SUFFIX = '.part.cached';

/** Ends the name of a file on which setup was working when it stopped, and of our own short-lived ones; never trusted. */
export const TEMP_SUFFIX = '.tmp';

/** What the names of unfinished files end in. */
export const OWN_SUFFIXES: readonly string[] = [PART_SUFFIX, PART_NOTE_SUFFIX, PART_CACHED_SUFFIX, TEMP_SUFFIX];

/** An index or its signature, by its name in lower case; group 1 is the form, group 2 there for a signature. */
export const INDEX_NAME = /^setup\.(zst|xz|bz2|ini)(\.sig)?$/;

/** First line of an index that lists only what is in its repo; a comment to setup. All files of such an index must be there,
 *  also in a copy of the repo. Any other index says what a site has. */
export const SUBSET_MARK = '# cygstrap: lists only what this repo has';

/** How a repo is laid out. `flat`: paths of the index right below the repo. `site`: below a directory named after the site, as
 *  setup keeps its downloads. */
export type RepoLayout = { readonly kind: 'flat' } | { readonly kind: 'site'; readonly site: string };

/** Where things are in a repo. Plain data; nothing is looked at. */
export interface RepoPlaces {
  /** The repo, absolute. */
  readonly root: string;
  /** Below the root: where paths of the index start. Empty for a flat repo. */
  readonly base: string;
}

/** Lays a repo out. `root` is absolute. */
export function placesOf(root: string, layout: RepoLayout): RepoPlaces {
  return { root, base: layout.kind === 'flat' ? '' : siteDirectory(layout.site) };
}

/** Where a file of the index belongs, absolute. */
export function locate({ root, base }: RepoPlaces, path: RepoPath): string {
  // Parsed paths have single slashes and no dots: joining needs no clean-up, and this is called for every file.
  return base === '' ? `${root}/${path}` : `${root}/${base}/${path}`;
}

/** The directory of one architecture, which holds its index, absolute. Throws `repo` for an architecture that is no name. */
export function archDirectory({ root, base }: RepoPlaces, arch: string): string {
  if (!/^[a-z0-9_]+$/.test(arch)) throw new CygstrapError('repo', `\`${arch}\` is no architecture`);
  return join(root, base, arch);
}

export function ownFile(root: string, name: string): string {
  return join(root, OWN_DIR, name);
}

/** What setup escapes in the name of a site's directory, besides control characters and what is not ASCII. */
const ESCAPED = new Set('<>"#%{}|\\^~[]`\' ;/?:@=&');

/** Names the directory in which setup keeps what it downloads from a site: the address, which ends in `/`, with unsafe
 *  characters as `%xx` in lower case. Case of the site is kept.
 *  Source: cygwin-setup csu_util/rfc1738.cc @ 09e4f16. */
export function siteDirectory(site: string): string {
  const canonical = site.endsWith('/') ? site : `${site}/`;
  return Array.from(Buffer.from(canonical), (byte) => {
    const char = String.fromCharCode(byte);
    const isEscaped = byte <= 0x1f || byte >= 0x7f || ESCAPED.has(char);
    return isEscaped ? `%${byte.toString(16).padStart(2, '0')}` : char;
  }).join('');
}

/** Gives the site of a directory in setup's cache, or undefined where setup would not find its archives: the name must be
 *  what escaping makes of the address, case aside.
 *  Source: cygwin-setup package_source.cc, download.cc `check_for_cached` @ 09e4f16. */
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
