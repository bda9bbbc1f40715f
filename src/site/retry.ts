import { FetchError } from './base/fetch-error.ts';

/** Retry policy; times in milliseconds. */
export interface RetryPolicy {
  /** Attempts for one file at one site. */
  readonly attemptsPerSite: number;
  /** Delay before the second attempt; doubled for each further one. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** A site that requests a longer delay is skipped for this file. */
  readonly longestRetryAfterMs: number;
  /** Consecutive failures, of any files, after which a site is tried last. */
  readonly demoteAfter: number;
  /** Time until one request tries a demoted site again; doubled while that fails. */
  readonly probeAfterMs: number;
  readonly longestProbeAfterMs: number;
}

export const RETRY_POLICY: RetryPolicy = {
  attemptsPerSite: 5,
  firstDelayMs: 500,
  longestDelayMs: 15_000,
  longestRetryAfterMs: 60_000,
  demoteAfter: 3,
  probeAfterMs: 30_000,
  longestProbeAfterMs: 10 * 60_000,
};

/** Decides what follows a failure: a delay in milliseconds before the next attempt at the same site, `next-site` if
 *  another attempt cannot succeed, `stop` if no site can help (a full disk, a bug). `attempt` counts from 1 for this
 *  file at this site; `random` returns numbers in [0, 1), so that many clients do not return at the same time. */
export function retryDelay(
  error: unknown,
  attempt: number,
  random: () => number,
  policy: RetryPolicy = RETRY_POLICY,
): number | 'stop' | 'next-site' {
  if (isSiteFault(error)) return 'next-site';
  if (!(error instanceof FetchError)) return 'stop';
  if (!error.isTransient || attempt >= policy.attemptsPerSite) return 'next-site';
  const delayMs = Math.min(policy.firstDelayMs * 2 ** (attempt - 1), policy.longestDelayMs) * (0.5 + random() / 2);
  const askedMs = error.retryAfterMs ?? 0;
  if (askedMs > policy.longestRetryAfterMs) return 'next-site';
  // The next request is for the whole file.
  return error.kind === 'range' ? 0 : Math.max(delayMs, askedMs);
}

/** Returns whether a request for the whole file may succeed where the rest of a file was refused or did not fit: kind
 *  `range`, or wrong bytes with `wasResumed`. That is no evidence against the site. */
export function isFaultOfRange(error: unknown): boolean {
  if (error instanceof FetchError) return error.kind === 'range';
  return error instanceof Error && 'wasResumed' in error && error.wasResumed === true;
}

/** Returns whether the site sent wrong content: code `verify` (wrong digest or size), or an error with `isSiteFault`.
 *  */
export function isSiteFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === 'verify') || ('isSiteFault' in error && error.isSiteFault === true);
}
