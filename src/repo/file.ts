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

declare const repoPath: unique symbol;

/** A path that stays below the repo on every system we know; only {@link parseRepoPath} makes one. */
export type RepoPath = string & { readonly [repoPath]: true };
