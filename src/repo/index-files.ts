import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { INDEX_FORMS } from '../core/setup-ini/forms.ts';
import type { IndexForm } from '../core/setup-ini/forms.ts';
import { ioError, hasCode } from '../io/system-error.ts';
import { INDEX_NAME, SUBSET_MARK } from './files/layout.ts';

/** One file of an index: the index in one form, or its signature. */
export interface IndexFile {
  /** Absolute. */
  readonly location: string;
  readonly form: IndexForm;
  readonly isSignature: boolean;
}

/** The index that setup would read in one directory of a repo. */
export interface IndexInForce {
  /** Relative to the root of the repo. */
  readonly path: string;
  /** Absolute. */
  readonly location: string;
  /** Of its bytes. */
  readonly sha512: string;
  /** Whether it lists only what is in the repo: all of it must be there. */
  readonly isSubset: boolean;
}

/** Finds the indexes of a repo in the given bases, in their order. Throws `io`. */
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
    throw ioError(error, 'look for an index in', root);
  }
}

/** Lists every index and signature of one in a directory, whatever the case of its name: setup on Windows reads them all.
 *  Throws errors of the system. */
export function indexFiles(directory: string): IndexFile[] {
  return readdirSync(directory).flatMap((name) => {
    const [, form, signature] = INDEX_NAME.exec(name.toLowerCase()) ?? [];
    return form === undefined
      ? []
      : [{ location: join(directory, name), form: form as IndexForm, isSignature: signature !== undefined }];
  });
}

/** The first form that is there and not empty; it hides the others.
 *  Source: cygwin-setup fromcwd.cc @ 09e4f16. */
function indexInForce(root: string, directory: string): IndexInForce | undefined {
  const files = indexFiles(join(root, directory)).filter(({ isSignature }) => !isSignature);
  for (const form of INDEX_FORMS) {
    for (const { location } of files.filter((file) => file.form === form)) {
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
