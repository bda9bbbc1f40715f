/** Schema number of a lock; increases when a field changes its meaning. */
export const LOCK_SCHEMA = 1;

/** The file name of a lock beside a project file. */
export const LOCK_FILE_NAME = 'cygstrap.lock.json';

/** Architecture of a request without one. */
export const DEFAULT_ARCH = 'x86_64';

/** The architectures that setup knows. Source: cygwin-setup win32.cc `machine_name`. */
export const ARCHITECTURES = [DEFAULT_ARCH, 'x86', 'aarch64'] as const;

/** A file with the size and digest of the index. */
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

/** Identity of an index of a lock. Without an address: a lock is valid for every site. */
export interface LockedIndex {
  readonly release: string | null;
  readonly arch: string | null;
  /** Timestamp in the index, in seconds since 1970. */
  readonly timestamp: number | null;
  /** Of the bytes before decompression. */
  readonly sha512: string;
  /** Fingerprint of the key whose signature was verified (40 hexadecimal digits, upper case), or `unsigned`. */
  readonly signer: string;
}

/** The part of a request that affects the plan. */
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

/** Everything needed to fetch the same files again, from any site that still has them. */
export interface Lock {
  readonly schema: typeof LOCK_SCHEMA;
  /** `cygstrap VERSION` that made it. */
  readonly resolver: string;
  readonly request: LockRequest;
  readonly indexes: readonly LockedIndex[];
  /** In byte order of names. */
  readonly packages: readonly LockedPackage[];
}
