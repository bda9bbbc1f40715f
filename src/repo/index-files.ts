import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { INDEX_FORMS } from '../core/setup-ini/forms.ts';
import type { IndexForm } from '../core/setup-ini/forms.ts';
import { lookBelow } from '../io/no-follow.ts';
import { ioError, hasCode } from '../io/system-error.ts';
import { INDEX_NAME, SUBSET_MARK, archDirectory } from './files/layout.ts';
import type { RepoPlaces } from './files/layout.ts';
import { linkError } from './files/links.ts';

/** An index in one compression, or its signature. */
export interface IndexFile {
  /** Absolute. */
  readonly location: string;
  readonly form: IndexForm;
  readonly isSignature: boolean;
}

/** The index that setup reads in one directory of a repo. */
export interface IndexInForce {
  /** Relative to the root of the repo. */
  readonly path: string;
  /** Absolute. */
  readonly location: string;
  /** Of its bytes, in hexadecimal. */
  readonly sha512: string;
  /** Whether it lists only what the repo has, so that all of it must exist. */
  readonly isSubset: boolean;
}

/** Finds the indexes of a repo in the given bases, in their order. Throws `io`, and `repo` for a symbolic link in the
 *  place of an index. */
export function indexesInForce(root: string, bases: readonly string[]): IndexInForce[] {
  try {
    return bases.flatMap((base) => {
      const names = readdirSync(join(root, base), { withFileTypes: true }).filter((entry) => entry.isDirectory());
      return names
        .map(({ name }) => indexInForce(root, base === '' ? name : `${base}/${name}`))
        .filter((index) => index !== undefined);
    });
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw ioError(error, 'search for an index in', root);
  }
}

/** Returns the index that setup reads for one architecture, and the location of its signature if it has one. Throws as
 *  `indexesInForce`. */
export function indexOfArch(
  places: RepoPlaces,
  arch: string,
): { readonly index: IndexInForce; readonly signature: string | undefined } | undefined {
  const directory = archDirectory(places, arch);
  const index = indexesInForce(places.root, [places.base]).find(({ location }) => dirname(location) === directory);
  if (index === undefined) return undefined;
  const signature = indexFiles(directory).find(({ location }) => location === `${index.location}.sig`);
  return { index, signature: signature?.location };
}

/** Lists all indexes and signatures in a directory, in any case of letters, as setup on Windows reads them.
 *  Throws errors of the system. */
export function indexFiles(directory: string): IndexFile[] {
  return readdirSync(directory).flatMap((name) => {
    const [, form, signature] = INDEX_NAME.exec(name.toLowerCase()) ?? [];
    return form === undefined
      ? []
      : [{ location: join(directory, name), form: form as IndexForm, isSignature: signature !== undefined }];
  });
}

/** Returns the first form that exists and is not empty; setup ignores the others.
 *  Source: cygwin-setup fromcwd.cc @ 09e4f16. */
function indexInForce(root: string, directory: string): IndexInForce | undefined {
  const files = indexFiles(join(root, directory)).filter(({ isSignature }) => !isSignature);
  for (const form of INDEX_FORMS) {
    for (const { location } of files.filter((file) => file.form === form)) {
      const path = relative(root, location).replaceAll(sep, '/');
      if (lookBelow(root, path).kind === 'link') throw linkError(root, path);
      const bytes = readFileSync(location);
      if (bytes.length === 0) continue;
      const isSubset = bytes.toString('latin1', 0, SUBSET_MARK.length) === SUBSET_MARK;
      return {
        path: `${directory}/setup.${form}`,
        location,
        sha512: createHash('sha512').update(bytes).digest('hex'),
        isSubset,
      };
    }
  }
  return undefined;
}
