import { setMaxListeners } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Report } from '../events.ts';
import { FetchError } from './base/fetch-error.ts';
import type { FetchErrorKind, SiteFailure } from './base/fetch-error.ts';
import { isSiteFault, retryDelay, RETRY_POLICY } from './retry.ts';
import type { RetryPolicy } from './retry.ts';
import type { Site } from './base/site.ts';
import { Standing } from './standing.ts';
import type { Blame } from './standing.ts';

export interface SiteSetOptions {
  readonly report?: Report;
  readonly policy?: Partial<RetryPolicy>;
  /** Waits; must end early when the signal is aborted, no matter how. */
  readonly sleep?: (delayMs: number, signal: AbortSignal | undefined) => Promise<unknown>;
  readonly random?: () => number;
  /** In milliseconds. */
  readonly now?: () => number;
}

/** One attempt: open, read, verify. `attempt` counts from 1 for the file, over all sites. */
export type Work<T> = (site: Site, attempt: number) => Promise<T>;

/** What has been tried for one file. */
interface Trial {
  readonly path: string;
  readonly signal: AbortSignal | undefined;
  readonly failures: Map<Site, { readonly attempts: number; readonly error: Error }>;
  attempts: number;
}

type Outcome<T> = { readonly value: T } | undefined;

/** Several sites with the same files, and the one loop of retries over them. Any number of attempts may run at once. */
export class SiteSet {
  readonly sites: readonly Site[];
  readonly #standings: ReadonlyMap<Site, Standing>;
  readonly #policy: RetryPolicy;
  readonly #report: Report;
  readonly #sleep: (delayMs: number, signal: AbortSignal | undefined) => Promise<unknown>;
  readonly #random: () => number;
  readonly #now: () => number;

  constructor(sites: readonly Site[], options: SiteSetOptions = {}) {
    this.sites = sites;
    this.#policy = { ...RETRY_POLICY, ...options.policy };
    this.#standings = new Map(sites.map((site) => [site, new Standing(this.#policy)]));
    this.#report = options.report ?? (() => {});
    this.#sleep =
      options.sleep ?? ((delayMs, signal) => setTimeout(delayMs, undefined, signal === undefined ? {} : { signal }));
    this.#random = options.random ?? Math.random;
    this.#now = options.now ?? Date.now;
  }

  /** Does the work for one file at the first site that can: in the given order, those that failed lately last. Delays
   *  and their number are the policy's. Rejects with the signal's reason after an abort; with the work's own error if
   *  no site can mend it (neither FetchError nor a fault of the site); else with one FetchError that names every site
   *  and its last reason, in the given order. */
  async attempt<T>(path: string, work: Work<T>, { signal }: { readonly signal?: AbortSignal } = {}): Promise<T> {
    const trial: Trial = { path, signal, failures: new Map(), attempts: 0 };
    for (;;) {
      signal?.throwIfAborted();
      const next = this.#next(trial);
      if (next === undefined) throw this.#failure(trial);
      const outcome = await this.#attemptAt(next, trial, work);
      if (outcome !== undefined) return outcome.value;
    }
  }

  /** Closes every site. */
  async close(): Promise<void> {
    await Promise.all(this.sites.map((site) => site.close()));
  }

  /** The best site that was not tried for this file; a demoted one counts as good when it is time to see how it does.
   */
  #next({ failures }: Trial): Site | undefined {
    const untried = this.sites.filter((site) => !failures.has(site));
    const now = this.#now();
    return untried.find((site) => this.#standing(site).mayLead(now)) ?? untried[0];
  }

  async #attemptAt<T>(site: Site, trial: Trial, work: Work<T>): Promise<Outcome<T>> {
    const { path, signal, failures } = trial;
    const standing = this.#standing(site);
    const isProbe = standing.begin(this.#now());
    try {
      for (let attempt = 1; ; attempt++) {
        let error: unknown;
        try {
          const value = await work(site, ++trial.attempts);
          standing.succeed();
          return { value };
        } catch (caught) {
          error = caught;
        }
        signal?.throwIfAborted();
        const answer = retryDelay(error, attempt, this.#random, this.#policy);
        if (answer === 'stop' || !(error instanceof Error)) throw error;
        failures.set(site, { attempts: attempt, error });
        const isDemoted = this.#fail(site, standing, error);
        // Others can take over from a site that is in doubt.
        const isLeft = answer === 'next-site' || ((isProbe || standing.isDemoted) && failures.size < this.sites.length);
        const isLast = isLeft && failures.size === this.sites.length;
        this.#report({
          kind: 'transfer-failed',
          path,
          site: site.name,
          attempt: trial.attempts,
          why: whyOf(error),
          retryInMs: isLast ? undefined : isLeft ? 0 : answer,
        });
        if (isDemoted) this.#report({ kind: 'site-demoted', site: site.name, why: whyOf(error) });
        if (isLeft) return undefined;
        await this.#wait(answer, signal);
      }
    } finally {
      if (isProbe) standing.endProbe();
    }
  }

  /** Whether the site is demoted by this. */
  #fail(site: Site, standing: Standing, error: Error): boolean {
    const wasDemoted = standing.isDemoted;
    standing.fail(blameOf(error), this.#now());
    return !wasDemoted && standing.isDemoted && this.sites.some((other) => other !== site);
  }

  async #wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (delayMs <= 0) return;
    // Many waits share a signal; Node warns of more than ten listeners.
    if (signal !== undefined) setMaxListeners(0, signal);
    try {
      await this.#sleep(delayMs, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
    signal?.throwIfAborted();
  }

  #standing(site: Site): Standing {
    const standing = this.#standings.get(site);
    if (standing === undefined) throw new Error(`not a site of this set: ${site.name}`);
    return standing;
  }

  #failure({ path, failures, attempts }: Trial): FetchError {
    const tried = this.sites.flatMap((site) => {
      const failure = failures.get(site);
      return failure === undefined ? [] : [{ ...failure, site: site.name }];
    });
    const sites: SiteFailure[] = tried.map(({ site, attempts: count, error }) => ({
      site,
      attempts: count,
      why: whyOf(error),
    }));
    const errors = tried.map(({ error }) => error);
    const telling = errors.find((error) => kindOf(error) !== 'missing') ?? errors[0];
    const status = telling instanceof FetchError ? telling.status : undefined;
    const hint = telling instanceof FetchError ? telling.hint : undefined;
    return new FetchError(kindOf(telling), path, messageFor(path, sites), {
      sites,
      attempts,
      cause: telling instanceof FetchError ? telling.cause : telling,
      ...(status !== undefined && { status }),
      ...(hint !== undefined && { hint }),
    });
  }
}

function messageFor(path: string, sites: readonly SiteFailure[]): string {
  const [first, ...others] = sites.map(
    ({ site, attempts, why }) => `${site}: ${why}${attempts > 1 ? ` (${attempts} attempts)` : ''}`,
  );
  if (first === undefined) return `cannot fetch \`${path}\`: no site is given`;
  if (others.length === 0) return `cannot fetch \`${path}\` from ${first}`;
  return `cannot fetch \`${path}\` from any of ${sites.length} sites: ${[first, ...others].join('; ')}`;
}

/** Grave is what would cost the next file much time, or worse. One such failure among transfers that do well is soon
 *  forgiven: every success restores the site. */
function blameOf(error: Error): Blame {
  if (isSiteFault(error)) return 'grave';
  const kind = kindOf(error);
  if (kind === 'missing') return 'gap';
  return kind === 'connect' || kind === 'tls' || kind === 'timeout' ? 'grave' : 'slip';
}

function kindOf(error: Error | undefined): FetchErrorKind {
  return error instanceof FetchError ? error.kind : error === undefined ? 'connect' : 'wrong-bytes';
}

function whyOf(error: Error): string {
  return error instanceof FetchError ? error.why : error.message;
}
