import { lstatSync, readdirSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';

/** Converts a path so that two paths are equal if they name the same file where case does not matter (Windows,
 *  macOS). */
export function caseless(path: string): string {
  // Nearly every path is plain lower case, for which this test is much faster.
  return /^[a-z0-9/._+~-]*$/.test(path) ? path : path.normalize('NFC').toUpperCase().toLowerCase();
}

/** Reads the status of a file; tests pass one that ignores case. */
type StatusReader = (
  path: string,
  options: { readonly bigint: true; readonly throwIfNoEntry: false },
) => BigIntStats | undefined;

/** Returns a function that converts a path of a repo so that two paths are equal if they name the same file there.
 *  Throws errors of the system. */
export function pathComparison(root: string, ignoresCase = isCaseInsensitive(root)): (path: string) => string {
  return ignoresCase ? caseless : (path) => path;
}

/** Returns whether the names in a directory are case-insensitive: whether an existing name is also found with the
 *  case of its letters swapped. Reads only, so that it works on read-only media; false if no name has letters.
 *  Throws errors of the system. */
export function isCaseInsensitive(directory: string, lstat: StatusReader = lstatSync): boolean {
  const names = new Set(readdirSync(directory));
  for (const name of names) {
    const swapped = swapCase(name);
    if (swapped === name) continue;
    if (names.has(swapped)) return false;
    const [found, original] = [swapped, name].map((each) =>
      lstat(`${directory}/${each}`, { bigint: true, throwIfNoEntry: false }),
    );
    // Removed since it was listed.
    if (original === undefined) continue;
    return found !== undefined && found.ino === original.ino && found.dev === original.dev;
  }
  return false;
}

function swapCase(name: string): string {
  return name.replace(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
}
