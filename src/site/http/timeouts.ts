/** How long a site may take, each in milliseconds. */
export interface Timeouts {
  /** From the name to a connection, TLS included; kept to about a second. */
  readonly connectMs: number;
  /** From the request to the head of the answer. */
  readonly headersMs: number;
  /** Without a byte of the body, while we are ready to take one. */
  readonly stallMs: number;
  /** From the request to the last byte, whatever we do meanwhile: the end of a site that drips. */
  readonly wholeMs: number;
}

/** Patient enough for a slow mirror behind a slow line; a dead one is found out in seconds. */
export const TIMEOUTS: Timeouts = {
  connectMs: 15_000,
  headersMs: 30_000,
  stallMs: 30_000,
  wholeMs: 3 * 60 * 60 * 1000,
};
