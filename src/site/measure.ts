import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { FetchError } from './base/fetch-error.ts';
import type { Site } from './base/site.ts';

/** Of a file, enough to know the rate by. */
const SAMPLE_BYTES = 4 * 1024 * 1024;

/** How long one site is measured at most. */
export const MEASURE_TIMEOUT_MS = 10_000;

export interface Measurement {
  /** From the question to the head of the answer, connection and redirects included. */
  readonly latencyMs: number;
  /** Of the body; by what came until the time was over, if it was. */
  readonly rateBytesPerSecond: number;
  readonly receivedBytes: number;
}

export interface MeasureOptions {
  readonly signal?: AbortSignal;
  /** Default: {@link MEASURE_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
}

/** Measures how fast a site answers and sends one file, or the first few megabytes of it. Throws FetchError as the site
 *  does, `timeout` if nothing came in time, and the signal's reason after an abort. */
export async function measureSite(
  site: Site,
  path: string,
  { signal, timeoutMs = MEASURE_TIMEOUT_MS }: MeasureOptions = {},
): Promise<Measurement> {
  const limit = new AbortController();
  const onAbort = (): void => limit.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(
    () => limit.abort(new FetchError('timeout', `${site.name}${path}`, `nothing within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  let receivedBytes = 0;
  const startMs = performance.now();
  let answerMs = startMs;
  try {
    const { chunks } = await site.open(path, { signal: limit.signal });
    answerMs = performance.now();
    for await (const chunk of chunks) {
      receivedBytes += chunk.length;
      if (receivedBytes >= SAMPLE_BYTES) break;
    }
  } catch (error) {
    // What came in time counts; a slow site is measured like any other.
    if (signal?.aborted === true || error !== limit.signal.reason || receivedBytes === 0) throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
  const bodyMs = Math.max(performance.now() - answerMs, 0.001);
  return { latencyMs: answerMs - startMs, rateBytesPerSecond: (receivedBytes / bodyMs) * 1000, receivedBytes };
}
