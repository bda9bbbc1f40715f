/** Timeouts of a site, in milliseconds, and the least rate. */
export interface Timeouts {
  /** From the name lookup to the connection with TLS; accurate to about a second. */
  readonly connectMs: number;
  /** From the request to the head of the response. */
  readonly headersMs: number;
  /** Between two bytes of the body while the connection is not paused. */
  readonly stallMs: number;
  /** From the request to the last byte, to end a site that sends slowly forever. */
  readonly wholeMs: number;
  /** Least rate of the body, as an average over `rateWindowMs` in which the connection is not paused; 0 for none. */
  readonly minBytesPerSecond: number;
  readonly rateWindowMs: number;
}

/** Long enough for a slow mirror on a slow line; a dead one is detected within seconds. */
export const TIMEOUTS: Timeouts = {
  connectMs: 15_000,
  headersMs: 30_000,
  stallMs: 30_000,
  wholeMs: 3 * 60 * 60 * 1000,
  minBytesPerSecond: 1000,
  rateWindowMs: 60_000,
};
