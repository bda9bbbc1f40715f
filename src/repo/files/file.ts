/** One file that belongs into a repo, by path, size and digest; what the store takes and `site` delivers. */
export interface RepoFile {
  /** Relative to the repo, as in the index; {@link parseRepoPath} made it. */
  readonly path: RepoPath;
  readonly sizeBytes: number;
  /** None: the index gave none, and the user allowed that. */
  readonly digest: Digest | undefined;
}

export interface Digest {
  readonly algorithm: 'sha512' | 'md5';
  /** Lower case hexadecimal of the algorithm's length. */
  readonly hex: string;
}

/** The algorithm of a file's digest; SHA-512 is computed where the index has none. */
export function algorithmOf({ digest }: Pick<RepoFile, 'digest'>): Digest['algorithm'] {
  return digest?.algorithm ?? 'sha512';
}

declare const repoPath: unique symbol;

/** A path that stays below the repo on every system we know; only {@link parseRepoPath} makes one. */
export type RepoPath = string & { readonly [repoPath]: true };
