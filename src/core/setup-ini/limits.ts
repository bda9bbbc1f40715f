/** Bounds that keep a hostile or broken index from exhausting memory; real indexes stay below a hundredth of each. */
export interface Limits {
  /** Longest single word or quoted text. */
  readonly wordBytes: number;
  /** From the `@` of a package to the end of its block. */
  readonly recordBytes: number;
  /** The whole index, unpacked: a decompression bomb ends here. */
  readonly totalBytes: number;
  /** Findings listed one by one; the rest is only counted. */
  readonly diagnostics: number;
}

const MIB = 1024 * 1024;

export const LONGEST_WORD_BYTES = 16 * MIB;
export const LONGEST_RECORD_BYTES = 64 * MIB;
export const LONGEST_INDEX_BYTES = 2048 * MIB;
export const MOST_DIAGNOSTICS = 100;

/** Unknown keys told apart by name; further names count as one. */
export const MOST_UNKNOWN_KEYS = 50;

export const DEFAULT_LIMITS: Limits = {
  wordBytes: LONGEST_WORD_BYTES,
  recordBytes: LONGEST_RECORD_BYTES,
  totalBytes: LONGEST_INDEX_BYTES,
  diagnostics: MOST_DIAGNOSTICS,
};
