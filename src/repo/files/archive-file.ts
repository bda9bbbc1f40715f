import type { Archive, VersionRecord } from '../../core/setup-ini/records.ts';
import type { Digest, RepoFile } from './file.ts';

/** Returns the digest by which an archive is verified: SHA-512 if it has one, otherwise MD5; undefined if it has none.
 *  Source: cygwin-setup package_source.cc @ 09e4f16. */
export function digestOf({ sha512, md5 }: Pick<Archive, 'sha512' | 'md5'>): Digest | undefined {
  if (sha512 !== undefined) return { algorithm: 'sha512', hex: sha512 };
  return md5 === undefined ? undefined : { algorithm: 'md5', hex: md5 };
}

/** A file of an index or lock whose path is not parsed yet. */
export type UncheckedFile = Omit<RepoFile, 'path'> & { readonly path: string };

/** Converts an archive of an index into a file; `parseRepoFiles` makes it a file of a repo. */
export function fileOfArchive(archive: Archive): UncheckedFile {
  return { path: archive.path, sizeBytes: archive.sizeBytes, digest: digestOf(archive) };
}

/** Returns the archives of a version: the binary one and the source, if it has them. */
export function archivesOf({ install, source }: VersionRecord): Archive[] {
  return [install, source?.archive].filter((archive) => archive !== undefined);
}
