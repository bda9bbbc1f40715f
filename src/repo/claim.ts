import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { archivePathFaults } from '../core/setup-ini/paths.ts';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { pathComparison } from '../io/caseless.ts';
import { hasCode, ioError } from '../io/system-error.ts';
import { makeNamesDurable } from './disk/durable.ts';
import { PlacedFiles } from './disk/placed-files.ts';
import { isIndexContent } from './files/clashes.ts';
import { MARKER_NAME, OWN_SUFFIXES, VERIFICATION_CACHE_NAME, ownFile } from './files/layout.ts';
import type { RepoLayout } from './files/layout.ts';
import { indexFiles, indexesInForce } from './index-files.ts';
import { MARKER_SCHEMA, inspectRepo, isContentDirectory, requireLayout } from './repo.ts';
import type { RepoState } from './repo.ts';
import { walkBase } from './walk.ts';

/** The names of packages that setup downloads. */
const ARCHIVE_NAME = /\.tar(?:\.[a-z0-9]+)?$/i;

/** A line of `.cygstrap/verified`, also in repos of earlier versions. */
const VERIFIED_LINE = /^(?:sha512|md5):[0-9a-f]+(?: \d+){3,5} (.+)$/;

/** Marks a directory as a repo of cygstrap, or checks that it is one of this layout; returns the list of its placed
 *  files. The caller holds the lock of the repo. A download directory of setup is adopted unchanged. Throws `repo` for
 *  a foreign directory and for another layout, and `io`. */
export async function claimRepo(root: string, layout: RepoLayout['kind']): Promise<PlacedFiles> {
  const state = requireLayout(root, layout);
  try {
    const keyOf = pathComparison(root);
    const placed = state.kind === 'marked' ? PlacedFiles.read(root, keyOf) : undefined;
    if (placed !== undefined) return placed;
    // Before the marker: a marked repo without a list is one of an earlier version.
    const derived = derivePlaced(root, keyOf, state);
    await derived.write();
    if (state.kind !== 'marked') {
      const marker = `${JSON.stringify({ schema: MARKER_SCHEMA, layout })}\n`;
      await writeFileAtomically(ownFile(root, MARKER_NAME), marker, { durable: true });
    }
    await makeNamesDurable(dirname(ownFile(root, MARKER_NAME)));
    return derived;
  } catch (error) {
    throw ioError(error, 'create a repo in', root);
  }
}

/** Returns the list of the placed files of a repo, without changing it; for `keyOf` see `PlacedFiles.read`. Throws
 *  `repo` and `io`. */
export function placedFilesOf(root: string, keyOf: (path: string) => string): PlacedFiles {
  return PlacedFiles.read(root, keyOf) ?? derivePlaced(root, keyOf, inspectRepo(root));
}

/** Makes the list of a directory that has none: a download directory of setup, or a repo of an earlier version, which
 *  replaced and deleted every file. Its archives are those that setup or that version put there, by their names; files
 *  in the verification cache are, too. */
function derivePlaced(root: string, keyOf: (path: string) => string, { kind, bases }: RepoState): PlacedFiles {
  const paths = new Set(kind === 'marked' ? verifiedPaths(root) : []);
  for (const base of bases) {
    // A directory of setup has an index, or the name of a site.
    if (base === '' && kind !== 'marked' && !hasIndex(root)) continue;
    for (const { path, kind: what } of walkBase(root, base, (name) => !isArchiveDirectory(name))) {
      const target = what === 'leftover' ? withoutOwnSuffix(path) : path;
      if (what !== 'file' && what !== 'leftover') continue;
      if (ARCHIVE_NAME.test(target) && archivePathFaults(target).length === 0)
        paths.add(base === '' ? target : `${base}/${target}`);
    }
  }
  return PlacedFiles.of(root, keyOf, paths);
}

/** Returns the path of the file to which an unfinished file belongs. */
export function withoutOwnSuffix(path: string): string {
  const lower = path.toLowerCase();
  const [suffix = ''] = OWN_SUFFIXES.filter((one) => lower.endsWith(one)).toSorted((a, b) => b.length - a.length);
  return path.slice(0, path.length - suffix.length);
}

/** Returns whether a directory directly below a base can have archives in it. */
export function isArchiveDirectory(name: string): boolean {
  return isContentDirectory(name) || name.toLowerCase() === 'src';
}

function hasIndex(root: string): boolean {
  return indexesInForce(root, ['']).some(({ location }) =>
    indexFiles(dirname(location)).some(
      (file) => file.location === location && isIndexContent(location, file.form, false),
    ),
  );
}

function verifiedPaths(root: string): string[] {
  try {
    const lines = readFileSync(ownFile(root, VERIFICATION_CACHE_NAME), 'utf8').split('\n');
    return lines.flatMap((line) => VERIFIED_LINE.exec(line)?.[1] ?? []);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
