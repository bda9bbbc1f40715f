import type { RetryPolicy } from './retry.ts';

/** Scope of a failure: `minor`, a failed transfer; `severe`, the site is down, hangs, or sends wrong bytes; `slow`, it
 *  is slower than the least rate; `gap`, a missing file, as on any mirror during an update. */
export type FailureScope = 'minor' | 'severe' | 'slow' | 'gap';

/** Consecutive gaps that count as one minor failure. */
const GAPS_PER_FAILURE = 8;

/** Health of one site. Consecutive minor failures or one severe failure demote it; a success restores it. A demoted
 *  site gets one request from time to time, the probe. A slow site stays demoted: a probe would take a minute, and a
 *  small file would succeed. */
export class SiteHealth {
  readonly #policy: RetryPolicy;
  #weight = 0;
  #probeAtMs = 0;
  #probeAfterMs: number;
  #isProbed = false;
  #isSlow = false;

  constructor(policy: RetryPolicy) {
    this.#policy = policy;
    this.#probeAfterMs = policy.probeAfterMs;
  }

  get isDemoted(): boolean {
    return this.#isSlow || this.#weight >= this.#policy.demoteAfter;
  }

  /** Returns whether the site can be tried at its own position in the order. */
  mayLead(nowMs: number): boolean {
    return !this.isDemoted || (!this.#isSlow && !this.#isProbed && nowMs >= this.#probeAtMs);
  }

  /** Starts an attempt. Returns true for a probe, which must be followed by `endProbe`. */
  begin(nowMs: number): boolean {
    const isProbe = this.isDemoted && this.mayLead(nowMs);
    if (isProbe) this.#isProbed = true;
    return isProbe;
  }

  endProbe(): void {
    this.#isProbed = false;
  }

  succeed(): void {
    this.#weight = 0;
    this.#probeAfterMs = this.#policy.probeAfterMs;
  }

  fail(scope: FailureScope, nowMs: number): void {
    const wasDemoted = this.isDemoted;
    this.#isSlow ||= scope === 'slow';
    this.#weight +=
      scope === 'severe' || scope === 'slow' ? this.#policy.demoteAfter : scope === 'gap' ? 1 / GAPS_PER_FAILURE : 1;
    if (!this.isDemoted) return;
    if (wasDemoted && nowMs >= this.#probeAtMs)
      this.#probeAfterMs = Math.min(this.#probeAfterMs * 2, this.#policy.longestProbeAfterMs);
    if (!wasDemoted || nowMs >= this.#probeAtMs) this.#probeAtMs = nowMs + this.#probeAfterMs;
  }
}
