/** Number of the lock's form; grows when a field changes its meaning. */
export const LOCK_SCHEMA = 1;

/** The file name of a lock beside a project file. */
export const LOCK_FILE_NAME = 'cygstrap.lock.json';

/** The architecture of a request that names none. */
export const DEFAULT_ARCH = 'x86_64';

/** One file as the index promised it. */
export interface LockedFile {
  /** Relative to the repo, as in the index; checked with `pathFaults`. */
  readonly path: string;
  readonly size: number;
  /** 128 hexadecimal digits; where the index has none, `md5` with 32. */
  readonly sha512?: string;
  readonly md5?: string;
}

export interface LockedSource extends LockedFile {
  readonly name: string;
  readonly version: string;
}

export interface LockedPackage extends LockedFile {
  readonly name: string;
  readonly version: string;
  /** Number of the index it comes from, from 0. */
  readonly index: number;
  readonly source?: LockedSource;
}

/** Which index a lock was made from. No address: a lock means the same on every site. */
export interface LockedIndex {
  readonly release: string | null;
  readonly arch: string | null;
  /** Seconds since 1970, as the index says of itself. */
  readonly timestamp: number | null;
  /** Of the bytes as read, compressed or not. */
  readonly sha512: string;
  /** Fingerprint of the key whose signature was verified (40 hexadecimal digits, upper case), or `unsigned`. */
  readonly signer: string;
}

/** What the lock answers; the part of a resolve request that changes the answer. */
export interface LockRequest {
  readonly packages: readonly string[];
  readonly categories: readonly string[];
  readonly buildDepends: readonly string[];
  readonly base: boolean;
  readonly test: boolean;
  readonly source: boolean;
  readonly windows: string;
  readonly arch: string;
}

/** Everything needed to fetch the same files again, years later, from any site that still has them. */
export interface Lock {
  readonly schema: typeof LOCK_SCHEMA;
  /** `cygstrap VERSION` that made it. */
  readonly resolver: string;
  readonly request: LockRequest;
  readonly indexes: readonly LockedIndex[];
  /** In byte order of names. */
  readonly packages: readonly LockedPackage[];
}
