/** What to ask a site for. */
export interface OpenOptions {
  /** Where to go on with a broken download; with `validator`, so that a changed file is sent whole. */
  readonly fromByte?: number;
  /** The `validator` of the broken download. */
  readonly validator?: string;
  /** The `validator` of what we have: an unchanged file is not sent. */
  readonly unlessIs?: string;
  readonly signal?: AbortSignal;
}

/** A file that a site has begun to send. */
export interface Download {
  /** `rest`: from `startByte` on, as asked. `unchanged`: nothing follows. */
  readonly kind: 'whole' | 'rest' | 'unchanged';
  readonly startByte: number;
  /** Of the whole file, where the site tells. */
  readonly totalBytes: number | undefined;
  /** Strong ETag, else Last-Modified: tells this state of the file from another. */
  readonly validator: string | undefined;
  /** Once only; not taking them at all needs an abort, or the connection stays busy. Stopping early gives the
   *  connection up. Fails with FetchError when the body stalls, breaks off, is not as long as announced, or is a web
   *  page; says nothing else of its content. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** One remote mirror (or a directory that serves as one). */
export interface Site {
  /** For messages: the address without user name and password. */
  readonly name: string;
  /** Asks for a file by its path relative to the site. Throws FetchError, or the signal's reason as it is; never
   *  retries. After kind `range` what we have is of no use any more: start at 0. */
  open(path: string, options?: OpenOptions): Promise<Download>;
  /** Closes every connection; what is still under way fails. */
  close(): Promise<void>;
}
