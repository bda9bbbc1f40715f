import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { createDirectory } from './disk/directories.ts';
import { ioError, hasCode } from '../io/system-error.ts';
import { INDEX_NAME, MARKER_NAME, TEMP_SUFFIX, ownFile, siteOfDirectory } from './files/layout.ts';
import type { RepoLayout } from './files/layout.ts';

/** Top directories of what an index lists: the architectures setup knows, and what old and new ones share. */
const CONTENT_DIRS = ['x86_64', 'x86', 'aarch64', 'noarch', 'release'] as const;

const ARCH_DIRS: readonly string[] = CONTENT_DIRS.slice(0, 3);

const MARKER_SCHEMA = 1;

/** What a directory is to us. */
export interface RepoState {
  /** `marked`: a repo of ours. `flat`, `site`: a download directory of setup. `free`: nothing in the way, or not there at all.
   *  `foreign`: it has directories where archives would go, and they are no downloads of setup's. */
  readonly kind: 'marked' | 'flat' | 'site' | 'free' | 'foreign';
  /** Of a marked one: as its marker says. */
  readonly layout?: RepoLayout['kind'];
  /** Below the root: the directories in which paths of an index start, '' for the root; in byte order. Setup looks in them
   *  in this order, the root first. */
  readonly bases: readonly string[];
}

/** Looks at a directory, without changing it. Throws `io`, and `repo` for a marker of a later cygstrap. */
export function inspectRepo(root: string): RepoState {
  try {
    const layout = readMarker(root);
    const bases = basesOf(root);
    if (layout !== undefined)
      return { kind: 'marked', layout, bases: bases.length === 0 && layout === 'flat' ? [''] : bases };
    if (bases.includes('')) return { kind: 'flat', bases };
    if (bases.length > 0) return { kind: 'site', bases };
    return { kind: CONTENT_DIRS.some((name) => existsSync(join(root, name))) ? 'foreign' : 'free', bases };
  } catch (error) {
    throw ioError(error, 'look at', root);
  }
}

/** Makes a directory a repo of ours, or checks that it is one of this layout; returns what it was before. A download directory
 *  of setup is taken over as it is. Throws `repo` for a foreign directory and for another layout, and `io`. */
export async function claimRepo(root: string, layout: RepoLayout['kind']): Promise<RepoState> {
  const state = inspectRepo(root);
  const present = state.kind === 'marked' ? state.layout : state.kind;
  if (present === 'foreign') {
    throw new CygstrapError('repo', `\`${root}\` is no repo, and has directories where its archives would go`, {
      hint: 'choose an empty directory, or one that setup downloaded into',
    });
  }
  if (present !== 'free' && present !== layout) {
    throw new CygstrapError(
      'repo',
      `\`${root}\` has its archives ${present === 'flat' ? 'in one tree (`--layout flat`)' : 'in directories of sites (`--layout site`)'}`,
      { hint: `use \`--layout ${present}\`, or another directory` },
    );
  }
  if (state.kind !== 'marked') await writeMarker(root, layout);
  return state;
}

/** Throws `repo` unless the directory has our marker: only there may files be deleted. */
export function demandMarker(root: string): RepoState {
  const state = inspectRepo(root);
  if (state.kind === 'marked') return state;
  throw new CygstrapError('repo', `\`${root}\` is no repo of cygstrap: it has no \`.cygstrap/${MARKER_NAME}\``, {
    hint: 'nothing is deleted in a directory that `cygstrap fetch` has not made or taken over',
  });
}

/** Whether a directory right below a base holds archives of an index. */
export function isContentDirectory(name: string): boolean {
  return CONTENT_DIRS.some((one) => one === name.toLowerCase());
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
  throw new CygstrapError('repo', `the marker of the repo cannot be read: \`${path}\``, {
    hint: 'it was damaged, or written by a later cygstrap; without it, fetch looks at the directory anew',
  });
}

async function writeMarker(root: string, layout: RepoLayout['kind']): Promise<void> {
  const path = ownFile(root, MARKER_NAME);
  const draft = `${path}.${randomUUID()}${TEMP_SUFFIX}`;
  try {
    await createDirectory(dirname(path));
    const file = openSync(draft, 'wx');
    try {
      writeSync(file, `${JSON.stringify({ schema: MARKER_SCHEMA, layout })}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    throw ioError(error, 'make a repo in', root);
  }
}

/** The root when it has an index or archives of its own, and every directory named after a site that has. */
function basesOf(root: string): string[] {
  const names = namesIn(root);
  const sites = names.filter((name) => siteOfDirectory(name) !== undefined && hasContent(join(root, name)));
  return [...(hasContent(root) ? [''] : []), ...sites.toSorted()];
}

/** Whether there is what setup reads or writes below a base: an index that is not empty, or `release` below an architecture. */
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
  return match !== null && match[2] === undefined && statSync(join(directory, name)).size > 0;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
