import { setMaxListeners } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Report } from '../events.ts';
import { FetchError, OFFLINE_HINT } from './base/fetch-error.ts';
import type { FetchErrorKind, SiteFailure } from './base/fetch-error.ts';
import { isFaultOfRange, isSiteFault, retryDelay, RETRY_POLICY } from './retry.ts';
import type { RetryPolicy } from './retry.ts';
import type { Site } from './base/site.ts';
import { SiteHealth } from './site-health.ts';
import type { FailureScope } from './site-health.ts';

export interface SiteSetOptions {
  readonly report?: Report;
  readonly policy?: Partial<RetryPolicy>;
  /** Waits; must end early when the signal is aborted. */
  readonly sleep?: (delayMs: number, signal: AbortSignal | undefined) => Promise<unknown>;
  readonly random?: () => number;
  /** In milliseconds. */
  readonly now?: () => number;
}

/** One attempt: open, read, verify. `attempt` counts from 1 for the file, over all sites. */
export type Work<T> = (site: Site, attempt: number) => Promise<T>;

/** Attempts for one file. */
interface Trial {
  readonly path: string;
  readonly signal: AbortSignal | undefined;
  readonly failures: Map<Site, { readonly attempts: number; readonly error: Error }>;
  attempts: number;
}

type Outcome<T> = { readonly value: T } | undefined;

/** Several sites with the same files, and the only retry loop. Any number of attempts can run concurrently. */
export class SiteSet {
  readonly sites: readonly Site[];
  readonly #healths: ReadonlyMap<Site, SiteHealth>;
  readonly #policy: RetryPolicy;
  readonly #report: Report;
  readonly #sleep: (delayMs: number, signal: AbortSignal | undefined) => Promise<unknown>;
  readonly #random: () => number;
  readonly #now: () => number;

  constructor(sites: readonly Site[], options: SiteSetOptions = {}) {
    this.sites = sites;
    this.#policy = { ...RETRY_POLICY, ...options.policy };
    this.#healths = new Map(sites.map((site) => [site, new SiteHealth(this.#policy)]));
    this.#report = options.report ?? (() => {});
    this.#sleep =
      options.sleep ?? ((delayMs, signal) => setTimeout(delayMs, undefined, signal === undefined ? {} : { signal }));
    this.#random = options.random ?? Math.random;
    this.#now = options.now ?? Date.now;
  }

  /** Runs the work for one file at the first site that succeeds: in the given order, recently failed sites last. The
   *  policy determines delays and their number; the first range of a site that does not fit is followed by one more
   *  attempt at once. Rejects with the reason of the signal; with the error of the work if
   *  no site can help (neither FetchError nor a fault of the site); otherwise with one FetchError that lists every
   *  site and its last reason, in the given order. */
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

  /** Returns the best site that was not tried for this file. A demoted site counts as good when it is time to test
   *  it. */
  #next({ failures }: Trial): Site | undefined {
    const untried = this.sites.filter((site) => !failures.has(site));
    const now = this.#now();
    return untried.find((site) => this.#healthOf(site).mayLead(now)) ?? untried[0];
  }

  async #attemptAt<T>(site: Site, trial: Trial, work: Work<T>): Promise<Outcome<T>> {
    const { path, signal, failures } = trial;
    const health = this.#healthOf(site);
    const isProbe = health.begin(this.#now());
    let restarts = 0;
    try {
      for (let attempt = 1; ; attempt++) {
        let error: unknown;
        try {
          const value = await work(site, ++trial.attempts);
          health.succeed();
          return { value };
        } catch (caught) {
          error = caught;
        }
        signal?.throwIfAborted();
        const isRestart = restarts === 0 && isFaultOfRange(error);
        if (isRestart) restarts = 1;
        const answer = isRestart ? 0 : retryDelay(error, attempt - restarts, this.#random, this.#policy);
        if (answer === 'stop' || !(error instanceof Error)) throw error;
        failures.set(site, { attempts: attempt, error });
        const isDemoted = !isRestart && this.#fail(site, health, error);
        // Prefer another site to one that failed recently.
        const hasOthers = failures.size < this.sites.length;
        const isLeft = answer === 'next-site' || (!isRestart && (isProbe || health.isDemoted) && hasOthers);
        const isLast = isLeft && !hasOthers;
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
      if (isProbe) health.endProbe();
    }
  }

  /** Returns whether this failure demotes the site. */
  #fail(site: Site, health: SiteHealth, error: Error): boolean {
    const wasDemoted = health.isDemoted;
    health.fail(scopeOf(error), this.#now());
    return !wasDemoted && health.isDemoted && this.sites.some((other) => other !== site);
  }

  async #wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (delayMs <= 0) return;
    // Node.js warns about more than ten listeners, and many waits share one signal.
    if (signal !== undefined) setMaxListeners(0, signal);
    try {
      await this.#sleep(delayMs, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
    signal?.throwIfAborted();
  }

  #healthOf(site: Site): SiteHealth {
    const health = this.#healths.get(site);
    if (health === undefined) throw new Error(`not a site of this set: ${site.name}`);
    return health;
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
    const mainError = errors.find((error) => kindOf(error) !== 'missing') ?? errors[0];
    const status = mainError instanceof FetchError ? mainError.status : undefined;
    const hint = (mainError instanceof FetchError ? mainError.hint : undefined) ?? hintFor(kindOf(mainError));
    return new FetchError(kindOf(mainError), path, messageFor(path, sites), {
      sites,
      attempts,
      cause: mainError instanceof FetchError ? mainError.cause : mainError,
      ...(status !== undefined && { status }),
      ...(hint !== undefined && { hint }),
    });
  }
}

/** What to do about a failure that has no hint of its own. */
function hintFor(kind: FetchErrorKind): string | undefined {
  if (kind === 'missing') return undefined;
  if (kind === 'offline') return OFFLINE_HINT;
  const first = kind === 'connect' ? 'check the network and the address of the mirror' : 'retry later';
  return `${first}, or use another mirror with \`--site\``;
}

function messageFor(path: string, sites: readonly SiteFailure[]): string {
  const [first, ...others] = sites.map(
    ({ site, attempts, why }) => `${site}: ${why}${attempts > 1 ? ` (${attempts} attempts)` : ''}`,
  );
  if (first === undefined) return `cannot fetch \`${path}\`: no site is given`;
  if (others.length === 0) return `cannot fetch \`${path}\` from ${first}`;
  return `cannot fetch \`${path}\` from any of ${sites.length} sites: ${[first, ...others].join('; ')}`;
}

/** A `severe` failure would delay or fail the next file. A success restores the site soon. */
function scopeOf(error: Error): FailureScope {
  if (isSiteFault(error)) return 'severe';
  if (error instanceof FetchError && error.isSlow) return 'slow';
  const kind = kindOf(error);
  if (kind === 'missing' || kind === 'offline') return 'gap';
  return kind === 'connect' || kind === 'tls' || kind === 'timeout' ? 'severe' : 'minor';
}

function kindOf(error: Error | undefined): FetchErrorKind {
  return error instanceof FetchError ? error.kind : error === undefined ? 'connect' : 'wrong-bytes';
}

function whyOf(error: Error): string {
  return error instanceof FetchError ? error.why : error.message;
}
