import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { FetchError } from './base/fetch-error.ts';
import type { Site } from './base/site.ts';

/** Bytes of a file that are enough to measure the rate. */
const SAMPLE_BYTES = 4 * 1024 * 1024;

/** Timeout per site. */
export const MEASURE_TIMEOUT_MS = 10_000;

export interface Measurement {
  /** Time from the request to the response head, with connection and redirects. */
  readonly latencyMs: number;
  /** Rate of the body, or of the part received before the timeout. */
  readonly rateBytesPerSecond: number;
  readonly receivedBytes: number;
}

export interface MeasureOptions {
  readonly signal?: AbortSignal;
  /** Default: {@link MEASURE_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
}

/** Measures how fast a site responds and sends one file, or its first megabytes. Throws FetchError, with kind
 *  `timeout` if nothing arrives in time, and the reason of the signal. */
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
    // The part received in time counts: a slow site has a rate too.
    if (signal?.aborted === true || error !== limit.signal.reason || receivedBytes === 0) throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
  const bodyMs = Math.max(performance.now() - answerMs, 0.001);
  return { latencyMs: answerMs - startMs, rateBytesPerSecond: (receivedBytes / bodyMs) * 1000, receivedBytes };
}
