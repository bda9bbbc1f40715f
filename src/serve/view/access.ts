import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const COOKIE = 'cygstrap-view';

type RequestHead = Pick<IncomingMessage, 'headers' | 'url'>;

/** A request that is allowed. */
export interface Admission {
  /** Path below the address of the page, without the query; empty for the page. */
  readonly path: string;
  /** Value for the header Set-Cookie, for the first request. */
  readonly setCookie?: string;
}

/** Decides which requests a page on loopback responds to: those of the browser that opened its address first. */
export class Access {
  /** Address with the token, to open once. */
  readonly url: string;
  /** The value of the header Origin of the page. */
  readonly origin: string;
  readonly #authority: string;
  /** Random: a browser sends a cookie to all ports of an address, but only below its path. So no other server on
   *  loopback receives it. */
  readonly #base: string;
  readonly #session = secret();
  #token: string | undefined = secret();

  /** @param server address of the server, with a slash at the end */
  constructor(server: string) {
    this.origin = new URL(server).origin;
    this.#authority = new URL(server).host;
    this.#base = `/${secret()}/`;
    this.url = `${this.origin}${this.#base}?token=${this.#token}`;
  }

  /** Admits a request with the cookie, or the first one with the token. The header Host must be the address of the
   *  server, so that no other name leads to it. Returns undefined for all others. */
  admit(request: RequestHead): Admission | undefined {
    const place = this.#placeOf(request);
    if (place === undefined || this.#isKnown(request)) return place;
    const { path, query } = place;
    const token = new URLSearchParams(query).get('token');
    if (path !== '' || token === null || this.#token === undefined || !isEqual(token, this.#token)) return undefined;
    this.#token = undefined;
    return { path, setCookie: `${COOKIE}=${this.#session}; Path=${this.#base}; HttpOnly; SameSite=Strict` };
  }

  /** Admits the request for a WebSocket: with the cookie, and from the page of this server only. Browsers send cookies
   *  with WebSockets of other pages too. */
  admitSocket(request: RequestHead): Admission | undefined {
    return request.headers.origin === this.origin && this.#isKnown(request) ? this.#placeOf(request) : undefined;
  }

  #placeOf({ headers, url = '' }: RequestHead): { readonly path: string; readonly query: string } | undefined {
    if (headers.host !== this.#authority || !url.startsWith(this.#base)) return undefined;
    const [path = '', query = ''] = url.slice(this.#base.length).split('?');
    return { path, query };
  }

  #isKnown({ headers }: RequestHead): boolean {
    return cookiesOf(headers.cookie).some((value) => isEqual(value, this.#session));
  }
}

function secret(): string {
  return randomBytes(24).toString('base64url');
}

function cookiesOf(header = ''): string[] {
  return header.split(';').flatMap((pair) => {
    const [name, value] = pair.trim().split('=');
    return name === COOKIE && value !== undefined ? [value] : [];
  });
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(left, right);
}
