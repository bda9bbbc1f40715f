import type { Digest, RepoFile } from './files/file.ts';

declare const verified: unique symbol;

/** A file that is in a repo and whose bytes were compared with what was promised. Only the store and the audit make one: in
 *  memory of this process, or in the stamps they wrote, each stands for bytes that were really read. */
export interface VerifiedFile extends RepoFile {
  /** Where it is on this system, absolute. */
  readonly location: string;
  /** What the bytes were compared with besides their number; `size`: the index gave no digest, and the user allowed that. */
  readonly proof: Digest['algorithm'] | 'size';
  readonly [verified]: true;
}

/** Declares a file verified. Only for the store (`store.ts`, `presence.ts`) and `audit.ts`, right after the comparison; a test checks the importers. */
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
