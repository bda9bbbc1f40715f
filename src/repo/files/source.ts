/** Where a download starts. */
export interface Resume {
  /** Number of bytes that an earlier attempt received. */
  readonly fromByte: number;
  /** The entity tag or date that the site sent with these bytes, if it did. */
  readonly validator: string | undefined;
}

/** A file that is being received. */
export interface Source {
  /** Number of the first byte: `fromByte`, or 0 if the site sends the whole file. */
  readonly startByte: number;
  readonly validator: string | undefined;
  /** Read once; closed early if there are too many bytes or on abort. `put` throws its errors unchanged. The source
   *  must not change a chunk after it was yielded. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Opens a file to store; called at most once for each `put`. */
export type OpenSource = (resume: Resume) => Promise<Source>;
