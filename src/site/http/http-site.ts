import { urlBelow } from '../address.ts';
import { FetchError } from '../fetch-error.ts';
import type { Download, OpenOptions, Site } from '../site.ts';
import { beginsAsHtml, htmlError, isRedirect, isWebPage, judge, redirectTarget } from './answer.ts';
import type { Promised } from './answer.ts';
import type { Exchange, Head } from './exchange.ts';
import { failureOf } from './failure.ts';
import type { Network } from './network.ts';

/** Redirects of one request that are followed. */
export const MAX_REDIRECTS = 10;

/** Of a body, looked at for a web page. */
const SNIFFED_BYTES = 256;

/** A mirror on the web. Follows redirects itself; sends credentials only where they are meant for. */
export class HttpSite implements Site {
  readonly name: string;
  readonly #base: URL;
  readonly #authorization: string | undefined;
  readonly #network: Network;
  readonly #userAgent: string;

  constructor(base: URL, authorization: string | undefined, network: Network, userAgent: string) {
    this.name = base.href;
    this.#base = base;
    this.#authorization = authorization;
    this.#network = network;
    this.#userAgent = userAgent;
  }

  async open(path: string, options: OpenOptions = {}): Promise<Download> {
    options.signal?.throwIfAborted();
    const seen = new Set<string>();
    for (let url = urlBelow(this.#base, path); ; ) {
      seen.add(url.href);
      const exchange = this.#network.send(url, this.#headers(url, options), options.signal);
      const head = await exchange.head.catch((error: unknown) => {
        throw failureOf(error, url, 'head', options.signal);
      });
      if (!isRedirect(head)) return downloadOf(url, exchange, options, head);
      exchange.drop();
      url = redirectTarget(url, head);
      if (seen.has(url.href)) throw new FetchError('redirect', url.href, 'redirected in a circle', { status: head.status });
      if (seen.size > MAX_REDIRECTS) throw new FetchError('redirect', url.href, `redirected more than ${MAX_REDIRECTS} times`, { status: head.status });
    }
  }

  close(): Promise<void> {
    return this.#network.close();
  }

  #headers(url: URL, { fromByte = 0, validator, unlessIs }: OpenOptions): Record<string, string> {
    return {
      'user-agent': this.#userAgent,
      accept: '*/*',
      'accept-encoding': 'identity',
      ...(fromByte > 0 && { range: `bytes=${fromByte}-` }),
      ...(fromByte > 0 && validator !== undefined && { 'if-range': validator }),
      ...(unlessIs !== undefined && { [/^(?:W\/)?"/.test(unlessIs) ? 'if-none-match' : 'if-modified-since']: unlessIs }),
      ...(this.#authorization !== undefined && url.origin === this.#base.origin && { authorization: this.#authorization }),
    };
  }
}

function downloadOf(url: URL, exchange: Exchange, options: OpenOptions, head: Head): Download {
  let isWanted = false;
  try {
    const promised = judge(url, options, head, Date.now());
    const { kind, startByte, totalBytes, validator } = promised;
    isWanted = head.status === 200 || head.status === 206;
    return { kind, startByte, totalBytes, validator, chunks: isWanted ? chunksOf(url, exchange, promised, options.signal) : nothing() };
  } finally {
    // The page that goes with an error, or nothing at all.
    if (!isWanted) exchange.drop();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

/** The body: counted against what was promised, and held back until it is known not to begin as a web page. */
async function* chunksOf(url: URL, exchange: Exchange, promised: Promised, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  const { bodyBytes } = promised;
  let receivedBytes = 0;
  let head: string | undefined = promised.startByte > 0 || isWebPage(url) ? undefined : '';
  let held: Uint8Array[] = [];
  try {
    for (;;) {
      const chunk = await exchange.read().catch((error: unknown) => {
        throw failureOf(error, url, { receivedBytes, bodyBytes }, signal);
      });
      if (chunk === undefined) break;
      receivedBytes += chunk.length;
      if (bodyBytes !== undefined && receivedBytes > bodyBytes) throw new FetchError('long', url.href, `more than the ${bodyBytes} bytes it announced`);
      if (head === undefined) {
        yield chunk;
        continue;
      }
      held.push(chunk);
      head += Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.length, SNIFFED_BYTES)).toString('latin1');
      const isHtml = beginsAsHtml(head);
      if (isHtml === true) throw htmlError(url);
      if (isHtml === undefined && head.length < SNIFFED_BYTES) continue;
      head = undefined;
      yield* held;
      held = [];
    }
    yield* held;
    if (bodyBytes !== undefined && receivedBytes < bodyBytes) throw new FetchError('short', url.href, `${receivedBytes} of the ${bodyBytes} bytes it announced`);
  } finally {
    exchange.cancel();
  }
}
