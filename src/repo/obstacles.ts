import { lookBelow } from '../io/no-follow.ts';
import type { Found } from '../io/no-follow.ts';
import { ioError } from '../io/system-error.ts';
import type { PlacedFiles } from './disk/placed-files.ts';
import { isIndexContent } from './files/clashes.ts';
import type { Clash } from './files/clashes.ts';
import type { RepoFile, RepoPath } from './files/file.ts';
import { PART_CACHED_SUFFIX, PART_NOTE_SUFFIX, PART_SUFFIX, archDirectory, keyOf } from './files/layout.ts';
import type { RepoPlaces } from './files/layout.ts';
import { indexFiles } from './index-files.ts';

export interface ClashOptions {
  readonly places: RepoPlaces;
  readonly placed: PlacedFiles;
  /** What is at each path. */
  readonly found: ReadonlyMap<string, Found>;
  /** What is at each directory of a path, relative to the root. */
  readonly directories: ReadonlyMap<string, Found>;
}

const WHAT = {
  file: 'a file',
  directory: 'a directory',
  link: 'a symbolic link',
  other: 'not a regular file',
} as const;

/** Returns what is in the way of files that are to be written: files in the place of their directories, other files at
 *  their paths and at those of their unfinished downloads. Each path once. */
export function clashesOf(
  files: readonly RepoFile[],
  { places, placed, found, directories }: ClashOptions,
): readonly Clash[] {
  const clashes = new Map<string, Clash>();
  const add = (path: string, { kind }: Found, what?: string): void => {
    if (kind !== 'missing') clashes.set(path, { path, what: what ?? WHAT[kind] });
  };
  for (const file of files) {
    const key = keyOf(places, file);
    const there = found.get(file.path) ?? { kind: 'missing' };
    const isPlaced = placed.has(key);
    // A directory is never replaced.
    if (!isPlaced || there.kind === 'directory')
      add(key, there, there.kind === 'file' ? 'a file with another content' : undefined);
    const parent = key.slice(0, key.lastIndexOf('/'));
    if (directories.get(parent)?.kind === 'directory') {
      if (isPlaced) continue;
      for (const suffix of [PART_SUFFIX, PART_NOTE_SUFFIX, PART_CACHED_SUFFIX])
        add(`${key}${suffix}`, lookBelow(places.root, `${key}${suffix}`));
    } else {
      const obstacle = ancestors(key).find((path) => (directories.get(path)?.kind ?? 'directory') !== 'directory');
      const what = obstacle === undefined ? undefined : directories.get(obstacle);
      if (obstacle !== undefined && what !== undefined)
        add(obstacle, what, `${WHAT.file}, where a directory is needed`);
    }
  }
  return [...clashes.values()];
}

/** Returns what is in the way of an index: other files with the name of one or of a signature. Throws `io`. */
export function indexClashes(places: RepoPlaces, arch: string, placed: PlacedFiles): Clash[] {
  const directory = archDirectory(places, arch);
  const relative = places.base === '' ? arch : `${places.base}/${arch}`;
  try {
    const found = lookBelow(places.root, relative);
    if (found.kind === 'missing') return [];
    if (found.kind !== 'directory')
      return [{ path: relative, what: `${WHAT[found.kind]}, where a directory is needed` }];
    return indexFiles(directory).flatMap(({ location, form, isSignature }) => {
      const path = `${relative}/${location.slice(directory.length + 1)}`;
      const there = lookBelow(places.root, path);
      if (there.kind === 'missing') return [];
      if (there.kind !== 'file')
        return placed.has(path) && there.kind !== 'directory' ? [] : [{ path, what: WHAT[there.kind] }];
      const isFree = placed.has(path) || isIndexContent(location, form, isSignature);
      return isFree ? [] : [{ path, what: `a file, but not ${isSignature ? 'a signature' : 'an index of packages'}` }];
    });
  } catch (error) {
    throw ioError(error, 'search for an index in', directory);
  }
}

/** Returns what is at paths that cygstrap itself chooses, unless it was placed. */
export function namedClashes(places: RepoPlaces, paths: readonly RepoPath[], placed: PlacedFiles): Clash[] {
  return paths.flatMap((path) => {
    const key = keyOf(places, { path });
    const found = lookBelow(places.root, key);
    return found.kind === 'missing' || placed.has(key) ? [] : [{ path: key, what: WHAT[found.kind] }];
  });
}

/** The directories above a path, from the top. */
function ancestors(path: string): string[] {
  return [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
}
