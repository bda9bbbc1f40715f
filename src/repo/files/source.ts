/** Where to go on with a file of which a part is there already. */
export interface Resume {
  /** Bytes that are there; 0: the file is wanted from the start. */
  readonly fromByte: number;
  /** What the site called the state of the file that these bytes are of, when it did. */
  readonly validator: string | undefined;
}

/** A file that begins to come in. */
export interface Source {
  /** Number of the first byte that comes: the one asked for, or 0 when the site sends the file whole. */
  readonly startByte: number;
  readonly validator: string | undefined;
  /** Read once, and ended early when the store has seen enough or the work is called off. What it throws comes out of `put`
   *  unchanged. A piece is the store's once it is handed over. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Opens the file to store, at most once for each `put`. */
export type OpenSource = (resume: Resume) => Promise<Source>;
