import { FetchError } from './base/fetch-error.ts';

/** How failures are met; times in milliseconds. */
export interface RetryPolicy {
  /** For one file at one site. */
  readonly attemptsPerSite: number;
  /** Before the second attempt; doubles with every further one. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** A site that asks for a longer wait is left alone for this file. */
  readonly longestRetryAfterMs: number;
  /** Failures in a row, of any files, until a site is tried last. */
  readonly demoteAfter: number;
  /** How long after that one request tries it again; doubles as long as that fails. */
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

/** Decides what follows a failure: the delay in milliseconds before the same site is asked again, `next-site` when it
 *  will not do any better, `stop` when no site can mend it (the disk, a bug of ours). `attempt` counts from 1 for this
 *  file at this site; `random` gives numbers from 0 to below 1, so that many clients do not come back at once. */
export function retryDelay(
  error: unknown,
  attempt: number,
  random: () => number,
  policy: RetryPolicy = RETRY_POLICY,
): number | 'stop' | 'next-site' {
  if (isSiteFault(error)) return 'next-site';
  if (!(error instanceof FetchError)) return 'stop';
  if (!error.mayPass || attempt >= policy.attemptsPerSite) return 'next-site';
  const delayMs = Math.min(policy.firstDelayMs * 2 ** (attempt - 1), policy.longestDelayMs) * (0.5 + random() / 2);
  const askedMs = error.retryAfterMs ?? 0;
  if (askedMs > policy.longestRetryAfterMs) return 'next-site';
  // What we have is of another state of the file than what it sends: no reason to wait before starting at 0.
  return error.kind === 'range' ? 0 : Math.max(delayMs, askedMs);
}

/** Whether the site sent what it should not: code `verify` (a wrong digest or size), or an error that says
 *  `isSiteFault`. */
export function isSiteFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === 'verify') || ('isSiteFault' in error && error.isSiteFault === true);
}
