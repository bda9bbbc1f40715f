/** A request to a site. */
export interface OpenOptions {
  /** Offset at which to continue a broken download; with `validator`, a changed file is sent from the start. */
  readonly fromByte?: number;
  /** The `validator` of the broken download. */
  readonly validator?: string;
  /** The `validator` of the local copy: an unchanged file is not sent. */
  readonly unlessIs?: string;
  /** Whether the file can be a web page. Default: only one whose name says so. */
  readonly isPage?: boolean;
  /** Query of the URL, escaped; a directory has none. */
  readonly query?: string;
  readonly signal?: AbortSignal;
}

/** A download in progress. */
export interface Download {
  /** `rest`: from `startByte` on, as requested. `unchanged`: without content. */
  readonly kind: 'whole' | 'rest' | 'unchanged';
  readonly startByte: number;
  /** Size of the whole file, if known. */
  readonly totalBytes: number | undefined;
  /** Strong ETag, else Last-Modified: identifies this version of the file. */
  readonly validator: string | undefined;
  /** Content encoding that the site claims although none was requested. The bytes are as sent. */
  readonly contentEncoding?: string | undefined;
  /** Can be read once. Stopping early closes the connection; not reading at all needs an abort, or the connection
   *  stays busy. Throws FetchError if the body stalls, is cut off, has another length than announced, or is a web
   *  page; does not verify the content. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Returns the end of a message about bytes that do not match: the claimed encoding, or nothing. */
export function encodingText(encoding: string | undefined): string {
  return encoding === undefined ? '' : `; the site sent it with \`Content-Encoding: ${encoding}\``;
}

/** A remote mirror, or a directory that serves as one. */
export interface Site {
  /** For messages: the address without user name and password. */
  readonly name: string;
  /** Requests a file by its path relative to the site. Throws FetchError and the reason of the signal; never retries.
   *  After kind `range`, from here or from the chunks, request the whole file. */
  open(path: string, options?: OpenOptions): Promise<Download>;
  /** Opens up to `count` connections for later requests; failures are those of the requests. */
  connectAhead?(count: number): void;
  /** Closes every connection; running downloads fail. */
  close(): Promise<void>;
}
