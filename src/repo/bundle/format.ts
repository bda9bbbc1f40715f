import { count, listOf, objectOf, only, parseShaped, textOf } from '../../core/json/shape.ts';

/** First member of a bundle: lists the next ones. It does not list the archives, which the lock and the index do. */
export const MANIFEST_NAME = 'bundle.json';

/** Second member: the new lock. */
export const LOCK_MEMBER = 'cygstrap.lock.json';

/** Prefix of the index and its signature, which follow. */
export const INDEX_PREFIX = 'index/';

/** Prefix of the archives, which come last, in byte order. */
export const ARCHIVE_PREFIX = 'repo/';

/** Version of the format; it increases when a member changes its meaning. */
export const BUNDLE_SCHEMA = 1;

/** A member that the manifest lists. */
export interface ListedMember {
  readonly name: string;
  readonly size: number;
  /** 128 hexadecimal digits in lower case. */
  readonly sha512: string;
}

export interface Manifest {
  readonly schema: typeof BUNDLE_SCHEMA;
  /** In the order of the bundle: the lock, the index and its signature, if it has one. */
  readonly members: readonly ListedMember[];
}

/** Prints a manifest as JSON. Deterministic. */
export function printManifest({ schema, members }: Manifest): string {
  const listed = members.map(({ name, size, sha512 }) => ({ name, size, sha512 }));
  return `${JSON.stringify({ schema, members: listed }, undefined, 2)}\n`;
}

const name = textOf(
  /^(?:cygstrap\.lock\.json|index\/setup\.(?:zst|xz|bz2|ini)(?:\.sig)?)$/,
  'the name of a lock or an index',
);
const sha512 = textOf(/^[0-9a-f]{128}$/, 'a SHA-512 of 128 lower-case hexadecimal digits');

const manifest = objectOf({ schema: only(BUNDLE_SCHEMA), members: listOf(objectOf({ name, size: count, sha512 })) });

/** Parses a manifest. Throws `corrupt` if it is invalid. */
export function parseManifest(text: string, file: string): Manifest {
  return parseShaped(text, manifest, {
    file: `${file}: ${MANIFEST_NAME}`,
    code: 'corrupt',
    hint: 'the file is not a bundle of this version of cygstrap, or it is damaged; copy it again',
  });
}
