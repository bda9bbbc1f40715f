import type { RetryPolicy } from './retry.ts';

/** What a failure says of a site: `slip` this time it did not deliver; `grave` it is dead, hangs, or sends wrong bytes;
 *  `gap` it lacks a file, as any mirror does now and then while it is brought up to date. */
export type Blame = 'slip' | 'grave' | 'gap';

/** Gaps in a row that weigh as much as one slip. */
const GAPS_FOR_A_SLIP = 8;

/** How far one site is trusted to deliver. Demoted by slips in a row, or by one grave failure, restored by a success;
 *  while demoted, one request now and then may go to it first: a probe. */
export class Standing {
  readonly #policy: RetryPolicy;
  #blame = 0;
  #probeAtMs = 0;
  #probeAfterMs: number;
  #isProbed = false;

  constructor(policy: RetryPolicy) {
    this.#policy = policy;
    this.#probeAfterMs = policy.probeAfterMs;
  }

  get isDemoted(): boolean {
    return this.#blame >= this.#policy.demoteAfter;
  }

  /** Whether the site may be tried at its own place in the order. */
  mayLead(nowMs: number): boolean {
    return !this.isDemoted || (!this.#isProbed && nowMs >= this.#probeAtMs);
  }

  /** An attempt begins; true if it is the probe, which `endProbe` must follow. */
  begin(nowMs: number): boolean {
    const isProbe = this.isDemoted && this.mayLead(nowMs);
    if (isProbe) this.#isProbed = true;
    return isProbe;
  }

  endProbe(): void {
    this.#isProbed = false;
  }

  succeed(): void {
    this.#blame = 0;
    this.#probeAfterMs = this.#policy.probeAfterMs;
  }

  fail(blame: Blame, nowMs: number): void {
    const wasDemoted = this.isDemoted;
    this.#blame += blame === 'grave' ? this.#policy.demoteAfter : blame === 'gap' ? 1 / GAPS_FOR_A_SLIP : 1;
    if (!this.isDemoted) return;
    if (wasDemoted && nowMs >= this.#probeAtMs)
      this.#probeAfterMs = Math.min(this.#probeAfterMs * 2, this.#policy.longestProbeAfterMs);
    if (!wasDemoted || nowMs >= this.#probeAtMs) this.#probeAtMs = nowMs + this.#probeAfterMs;
  }
}
