/** A file of a repo, as an index or lock lists it. */
export interface RepoFile {
  /** As in the index; parsed by {@link parseRepoPath}. */
  readonly path: RepoPath;
  readonly sizeBytes: number;
  /** Undefined if the index has none; only accepted with `--allow-undigested`. */
  readonly digest: Digest | undefined;
}

export interface Digest {
  readonly algorithm: 'sha512' | 'md5';
  /** In lower-case hexadecimal, of the algorithm's length. */
  readonly hex: string;
}

/** Returns the algorithm of a file's digest; SHA-512 if the index has none. */
export function algorithmOf({ digest }: Pick<RepoFile, 'digest'>): Digest['algorithm'] {
  return digest?.algorithm ?? 'sha512';
}

declare const repoPath: unique symbol;

/** A path that is valid and stays in the repo on every supported system; only {@link parseRepoPath} makes one. */
export type RepoPath = string & { readonly [repoPath]: true };
