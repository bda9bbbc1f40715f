import { urlBelow } from '../base/address.ts';
import { FetchError, webPageInstead } from '../base/fetch-error.ts';
import type { Download, OpenOptions, Site } from '../base/site.ts';
import { beginsAsHtml, isRedirect, isWebPage, judge, redirectTarget, strangeEncoding } from './response.ts';
import type { Promised } from './response.ts';
import type { HttpRequest, Head } from './request.ts';
import { failureOf } from './failure.ts';
import type { Network } from './network.ts';

/** Maximum redirects of one request. */
export const MAX_REDIRECTS = 10;

/** Bytes of a body that are checked for a web page. */
const SNIFFED_BYTES = 256;

/** A mirror over HTTP. Follows redirects itself; sends credentials only to their own host. */
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
    let seen: Set<string> | undefined;
    let url = urlBelow(this.#base, path);
    url.search = options.query ?? '';
    for (;;) {
      let request: HttpRequest;
      let head: Head;
      try {
        request = this.#network.send(url, this.#headers(url, options), options.signal);
        head = await request.head;
      } catch (error) {
        const proxy = this.#network.proxyOf(url);
        throw failureOf(error, { url, phase: 'head', signal: options.signal, proxy });
      }
      if (!isRedirect(head)) return downloadOf(url, request, options, head);
      request.drop();
      seen ??= new Set();
      seen.add(url.href);
      url = redirectTarget(url, head);
      if (seen.has(url.href)) throw new FetchError('redirect', url.href, 'redirect loop', { status: head.status });
      if (seen.size > MAX_REDIRECTS)
        throw new FetchError('redirect', url.href, `more than ${MAX_REDIRECTS} redirects`, { status: head.status });
    }
  }

  connectAhead(count: number): void {
    this.#network.connectAhead(this.#base, count);
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
      ...(unlessIs !== undefined && {
        [/^(?:W\/)?"/.test(unlessIs) ? 'if-none-match' : 'if-modified-since']: unlessIs,
      }),
      ...(this.#authorization !== undefined &&
        url.origin === this.#base.origin && { authorization: this.#authorization }),
    };
  }
}

function downloadOf(url: URL, request: HttpRequest, options: OpenOptions, head: Head): Download {
  let isWanted = false;
  try {
    const promised = judge(url, options, head, Date.now());
    const { kind, startByte, totalBytes, validator } = promised;
    isWanted = head.status === 200 || head.status === 206;
    if (!isWanted) return { kind, startByte, totalBytes, validator, chunks: nothing() };
    const body = new Body(url, request, promised, options);
    const contentEncoding = strangeEncoding(url, head);
    return { kind, startByte, totalBytes, validator, contentEncoding, chunks: chunksOf(body) };
  } finally {
    // The body of an error response, or an empty one.
    if (!isWanted) request.drop();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

/** The body: compared with the announced length, and held back until it cannot be a web page. */
class Body {
  readonly #url: URL;
  readonly #request: HttpRequest;
  readonly #bodyBytes: number | undefined;
  readonly #isRest: boolean;
  readonly #signal: AbortSignal | undefined;
  receivedBytes = 0;
  /** The beginning, while it can be a web page. */
  #head: string | undefined;

  constructor(url: URL, request: HttpRequest, { bodyBytes, startByte }: Promised, { signal, isPage }: OpenOptions) {
    this.#url = url;
    this.#request = request;
    this.#bodyBytes = bodyBytes;
    this.#isRest = startByte > 0;
    this.#signal = signal;
    this.#head = startByte > 0 || isPage === true || isWebPage(url) ? undefined : '';
  }

  /** Returns whether the received bytes can still be a web page. */
  get isInDoubt(): boolean {
    return this.#head !== undefined;
  }

  /** Returns the next bytes, undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    let chunk: Uint8Array | undefined;
    try {
      chunk = await this.#request.read();
    } catch (error) {
      throw this.#failure(error);
    }
    if (chunk !== undefined) this.#take(chunk);
    return chunk;
  }

  /** Throws if fewer bytes arrived than announced. */
  refuseShort(): void {
    if (this.#bodyBytes !== undefined && this.receivedBytes < this.#bodyBytes)
      throw new FetchError(
        'short',
        this.#url.href,
        `${this.receivedBytes} of the ${this.#bodyBytes} bytes it announced`,
      );
  }

  /** Closes the connection unless the body is complete. */
  end(): void {
    this.#request.cancel();
  }

  #failure(error: unknown): unknown {
    const phase = { receivedBytes: this.receivedBytes, bodyBytes: this.#bodyBytes };
    return failureOf(error, { url: this.#url, phase, signal: this.#signal, proxy: undefined });
  }

  #take(chunk: Uint8Array): void {
    this.receivedBytes += chunk.length;
    if (this.#bodyBytes !== undefined && this.receivedBytes > this.#bodyBytes)
      throw new FetchError(
        this.#isRest ? 'range' : 'long',
        this.#url.href,
        `more than the ${this.#bodyBytes} bytes it announced`,
      );
    if (this.#head !== undefined) this.#sniff(this.#head, chunk);
  }

  #sniff(before: string, chunk: Uint8Array): void {
    const head =
      before + Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.length, SNIFFED_BYTES)).toString('latin1');
    const isHtml = beginsAsHtml(head);
    if (isHtml === true) throw webPageInstead(this.#url.href);
    this.#head = isHtml === undefined && head.length < SNIFFED_BYTES ? head : undefined;
  }
}

/** Passes the body on, but holds back a possible web page. */
async function* chunksOf(body: Body): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array[] = [];
  try {
    for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
      held.push(chunk);
      if (body.isInDoubt) continue;
      yield* held;
      held = [];
    }
    yield* held;
    body.refuseShort();
  } finally {
    body.end();
  }
}
