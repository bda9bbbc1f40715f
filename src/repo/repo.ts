import { existsSync, readFileSync, readdirSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { lookBelow } from '../io/no-follow.ts';
import { ioError, hasCode } from '../io/system-error.ts';
import { INDEX_NAME, MARKER_NAME, OWN_DIR, ownFile, siteOfDirectory } from './files/layout.ts';
import type { RepoLayout } from './files/layout.ts';
import { linkError } from './files/links.ts';

/** Top directories of the paths in an index: the architectures that setup knows, and the directories they share. `src`
 *  is missing: it is a usual name of other directories. */
const CONTENT_DIRS = ['x86_64', 'x86', 'aarch64', 'noarch', 'release'] as const;

const ARCH_DIRS: readonly string[] = CONTENT_DIRS.slice(0, 3);

export const MARKER_SCHEMA = 1;

/** The state of a directory as a repo. */
export interface RepoState {
  /** `marked`: a repo of cygstrap. `flat`, `site`: a download directory of setup. `free`: empty of archives, or
   *  missing. `foreign`: it has directories with the names of archive directories, but no downloads of setup. */
  readonly kind: 'marked' | 'flat' | 'site' | 'free' | 'foreign';
  /** The layout that the marker records; undefined without a marker. */
  readonly layout?: RepoLayout['kind'];
  /** The directories in which paths of an index start, relative to the root, '' for the root itself; in byte order, in
   *  which setup reads them. */
  readonly bases: readonly string[];
}

/** Inspects a directory without changing it. Throws `io`, and `repo` for the marker of a later cygstrap and for a
 *  symbolic link in the place of a directory of the repo. */
export function inspectRepo(root: string): RepoState {
  try {
    refuseLinks(root, '');
    const layout = readMarker(root);
    const bases = basesOf(root);
    for (const base of bases) refuseLinks(root, base);
    if (layout !== undefined)
      return { kind: 'marked', layout, bases: bases.length === 0 && layout === 'flat' ? [''] : bases };
    if (bases.includes('')) return { kind: 'flat', bases };
    if (bases.length > 0) return { kind: 'site', bases };
    return { kind: CONTENT_DIRS.some((name) => existsSync(join(root, name))) ? 'foreign' : 'free', bases };
  } catch (error) {
    throw ioError(error, 'inspect', root);
  }
}

/** Checks that a directory is, or can become, a repo of this layout; returns its state. Changes nothing. Throws `repo`
 *  for a foreign directory and for another layout, and `io`. */
export function requireLayout(root: string, layout: RepoLayout['kind']): RepoState {
  const state = inspectRepo(root);
  const present = state.kind === 'marked' ? state.layout : state.kind;
  if (present === 'foreign') {
    throw new CygstrapError('repo', `\`${root}\` is not a repo, and has directories where its archives would go`, {
      hint: 'use an empty directory or a download directory of setup',
    });
  }
  if (present !== 'free' && present !== layout) {
    throw new CygstrapError(
      'repo',
      `\`${root}\` has its archives ` +
        (present === 'flat' ? 'in one tree (`--layout flat`)' : 'in directories of sites (`--layout site`)'),
      { hint: `use \`--layout ${present}\`, or another directory` },
    );
  }
  return state;
}

/** Returns the layout of a repo whose files belong to one site; that of a new repo is flat. Throws `repo` for a repo
 *  with directories of several sites, `io`, and as `inspectRepo`. */
export function layoutOf(root: string): RepoLayout {
  const { bases } = inspectRepo(root);
  const [base = ''] = bases;
  if (bases.length > 1) {
    throw new CygstrapError(
      'repo',
      `\`${root}\` has directories of ${bases.length} sites; this command accepts one site`,
      { hint: 'fetch each site into a repo of its own', details: { bases } },
    );
  }
  const site = siteOfDirectory(base);
  return base === '' || site === undefined ? { kind: 'flat' } : { kind: 'site', site };
}

/** Throws `repo` unless the directory has the marker of cygstrap: only there may files be deleted. */
export function requireMarker(root: string): RepoState {
  const state = inspectRepo(root);
  if (state.kind === 'marked') return state;
  throw new CygstrapError('repo', `\`${root}\` is not a repo of cygstrap: it has no \`.cygstrap/${MARKER_NAME}\``, {
    hint: 'only a directory that `cygstrap fetch` has created or adopted is pruned',
  });
}

/** Returns whether a directory directly below a base contains archives. */
export function isContentDirectory(name: string): boolean {
  return CONTENT_DIRS.some((one) => one === name.toLowerCase());
}

/** Throws `repo` for a symbolic link in the place of a directory of archives, of a site or of cygstrap, and of a
 *  file of cygstrap. */
function refuseLinks(root: string, base: string): void {
  for (const name of namesIn(join(root, base))) {
    const isOwn =
      isContentDirectory(name) || (base === '' && (name === OWN_DIR || siteOfDirectory(name) !== undefined));
    const path = base === '' ? name : `${base}/${name}`;
    if (isOwn && lookBelow(root, path).kind === 'link') throw linkError(root, path);
    if (name !== OWN_DIR || base !== '') continue;
    for (const own of namesIn(join(root, OWN_DIR)))
      if (lookBelow(root, `${OWN_DIR}/${own}`).kind === 'link') throw linkError(root, `${OWN_DIR}/${own}`);
  }
}

function readMarker(root: string): RepoLayout['kind'] | undefined {
  const path = ownFile(root, MARKER_NAME);
  let marker: { readonly schema?: unknown; readonly layout?: unknown };
  try {
    marker = JSON.parse(readFileSync(path, 'utf8')) as typeof marker;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (!(error instanceof SyntaxError)) throw error;
    marker = {};
  }
  const { schema, layout } = marker ?? {};
  if (schema === MARKER_SCHEMA && (layout === 'flat' || layout === 'site')) return layout;
  throw new CygstrapError('repo', `cannot read the marker of the repo: \`${path}\``, {
    hint: 'it is damaged, or written by a later cygstrap; remove it and run `cygstrap fetch` again',
  });
}

/** The root if it has an index or archives, and each directory named after a site that has. */
function basesOf(root: string): string[] {
  const names = namesIn(root);
  const sites = names.filter((name) => siteOfDirectory(name) !== undefined && hasContent(join(root, name)));
  return [...(hasContent(root) ? [''] : []), ...sites.toSorted()];
}

/** Whether a base has what setup reads or writes: a non-empty index, or `release` below an architecture. */
function hasContent(base: string): boolean {
  const names = namesIn(base);
  if (names.includes('noarch') && namesIn(join(base, 'noarch')).includes('release')) return true;
  return names.some(
    (name) =>
      ARCH_DIRS.includes(name) &&
      namesIn(join(base, name)).some((inner) => inner === 'release' || isIndex(join(base, name), inner)),
  );
}

function isIndex(directory: string, name: string): boolean {
  const match = INDEX_NAME.exec(name.toLowerCase());
  return match !== null && match[2] === undefined && lstatSync(join(directory, name)).size > 0;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
