/** Identity of an index that was read. */
export interface IndexSummary {
  /** As the user named it: a path, a URL, or `-`. */
  readonly name: string;
  readonly release: string | null;
  readonly arch: string | null;
  /** When the index was made, in seconds since 1970. */
  readonly timestamp: number | null;
  readonly setupVersion: string | null;
  /** Of the bytes before decompression; empty for plain text that was read with `digest: false`. */
  readonly sha512: string;
}
