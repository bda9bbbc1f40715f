import type { Digest, RepoFile } from './files/file.ts';

declare const verified: unique symbol;

/** A file of a repo whose bytes were compared with the expected size and digest: by this process, or by an earlier one
 *  according to the verification cache. Only the store and the audit make one. */
export interface VerifiedFile extends RepoFile {
  /** Absolute path. */
  readonly location: string;
  /** The digest that was compared; `size` if the index has none and `--allow-undigested` was given. */
  readonly proof: Digest['algorithm'] | 'size';
  readonly [verified]: true;
}

/** Makes a verified file. Only for the store (`store.ts`, `presence.ts`) and `audit.ts`, right after the comparison; a
 *  test checks the importers. */
export function verifiedFile({ path, sizeBytes, digest }: RepoFile, location: string): VerifiedFile {
  const facts: Omit<VerifiedFile, typeof verified> = {
    path,
    sizeBytes,
    digest,
    location,
    proof: digest?.algorithm ?? 'size',
  };
  return facts as VerifiedFile;
}
