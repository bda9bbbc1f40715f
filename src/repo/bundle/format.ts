import { count, listOf, objectOf, only, parseShaped, textOf } from '../../core/json/shape.ts';

/** First member of a bundle: what the next ones must be. It says nothing of the archives, which the lock and the index promise. */
export const MANIFEST_NAME = 'bundle.json';

/** Second member: the new lock. */
export const LOCK_MEMBER = 'cygstrap.lock.json';

/** Before the names of the index and its signature, which come next. */
export const INDEX_PREFIX = 'index/';

/** Before the paths of archives, which come last, in byte order. */
export const ARCHIVE_PREFIX = 'repo/';

/** Number of the form of a bundle; grows when a member changes its meaning. */
export const BUNDLE_SCHEMA = 1;

/** A member that is checked against the manifest. */
export interface ListedMember {
  readonly name: string;
  readonly size: number;
  /** 128 hexadecimal digits in lower case. */
  readonly sha512: string;
}

export interface Manifest {
  readonly schema: typeof BUNDLE_SCHEMA;
  /** In the order of the bundle: the lock, the index and, if it has one, its signature. */
  readonly members: readonly ListedMember[];
}

/** Writes a manifest as JSON; the same manifest gives the same text. */
export function printManifest({ schema, members }: Manifest): string {
  return `${JSON.stringify({ schema, members: members.map(({ name, size, sha512 }) => ({ name, size, sha512 })) }, undefined, 2)}\n`;
}

const name = textOf(
  /^(?:cygstrap\.lock\.json|index\/setup\.(?:zst|xz|bz2|ini)(?:\.sig)?)$/,
  'the name of a lock or an index',
);
const sha512 = textOf(/^[0-9a-f]{128}$/, 'a SHA-512 of 128 lower-case hexadecimal digits');

const manifest = objectOf({ schema: only(BUNDLE_SCHEMA), members: listOf(objectOf({ name, size: count, sha512 })) });

/** Reads a manifest. Throws `corrupt` for what is none. */
export function parseManifest(text: string, file: string): Manifest {
  return parseShaped(text, manifest, {
    file: `${file}: ${MANIFEST_NAME}`,
    code: 'corrupt',
    hint: 'it is no bundle of this cygstrap, or it was damaged; copy it again',
  });
}
