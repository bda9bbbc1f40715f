/** Limits on memory use for hostile or broken indexes. Real indexes stay below a hundredth of each. */
export interface Limits {
  /** Longest word or quoted text. */
  readonly wordBytes: number;
  /** From the `@` of a package to the end of its block. */
  readonly recordBytes: number;
  /** Size of the whole decompressed index; stops decompression bombs. */
  readonly totalBytes: number;
  /** Number of findings listed; further ones are only counted. */
  readonly diagnostics: number;
}

const MIB = 1024 * 1024;

export const LONGEST_WORD_BYTES = 16 * MIB;
export const LONGEST_RECORD_BYTES = 64 * MIB;
export const LONGEST_INDEX_BYTES = 2048 * MIB;
export const MOST_DIAGNOSTICS = 100;

/** Number of unknown keys reported by name; further ones are not reported. */
export const MOST_UNKNOWN_KEYS = 50;

export const DEFAULT_LIMITS: Limits = {
  wordBytes: LONGEST_WORD_BYTES,
  recordBytes: LONGEST_RECORD_BYTES,
  totalBytes: LONGEST_INDEX_BYTES,
  diagnostics: MOST_DIAGNOSTICS,
};
