import { CygstrapError } from '../../errors.ts';

/** Kinds of failures:
 *  `connect` no connection (unknown name, unreachable, refused), or none through the proxy;
 *  `tls` invalid certificate or TLS failure;
 *  `timeout` one of the timeouts expired;
 *  `reset` the connection was lost;
 *  `protocol` the response is not HTTP;
 *  `status` an unexpected HTTP status;
 *  `missing` the file does not exist: 404, 410, ENOENT;
 *  `refused` access denied (401, 403, 407, 451, EACCES), an invalid path, or an address that the site may not lead to;
 *  `redirect` a redirect loop, too many redirects, or a target that is not allowed;
 *  `short`, `long` fewer or more bytes than announced;
 *  `html` a web page instead of the file;
 *  `range` the response to a range does not continue the received part: request the whole file;
 *  `offline` the operation must not use the network;
 *  `wrong-bytes` every site sent content that does not match (only from `SiteSet`). */
export type FetchErrorKind =
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'reset'
  | 'protocol'
  | 'status'
  | 'missing'
  | 'refused'
  | 'redirect'
  | 'short'
  | 'long'
  | 'html'
  | 'range'
  | 'offline'
  | 'wrong-bytes';

/** Statuses of transient failures. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([
  408, 425, 429, 500, 502, 503, 504, 509, 520, 521, 522, 523, 524,
]);

const PASSING_KINDS: ReadonlySet<FetchErrorKind> = new Set([
  'connect',
  'timeout',
  'reset',
  'protocol',
  'short',
  'long',
  'range',
]);

/** Result of one file at one site. */
export interface SiteFailure {
  /** The site's `name`. */
  readonly site: string;
  readonly attempts: number;
  /** Reason of the last attempt. */
  readonly why: string;
}

export interface FetchErrorOptions {
  readonly status?: number;
  /** Delay that the site requests, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly attempts?: number;
  readonly sites?: readonly SiteFailure[];
  readonly isSlow?: boolean;
  /** Another attempt cannot succeed, although failures of this kind often pass. */
  readonly isFinal?: boolean;
  readonly hint?: string;
  readonly cause?: unknown;
}

/** A site, or every site of a set, failed. Code `fetch`; `details` are `{ kind, url, status?, attempts?, sites? }`,
 *  without user name, password and query. */
export class FetchError extends CygstrapError {
  readonly kind: FetchErrorKind;
  /** As in `details`, without secrets. */
  readonly url: string;
  /** The reason as a phrase without the address. */
  readonly why: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  /** Every site that a SiteSet tried, in the given order. */
  readonly sites: readonly SiteFailure[] | undefined;
  /** Whether the site sent the file more slowly than the least rate; of kind `timeout`. */
  readonly isSlow: boolean;
  /** Whether the same request can succeed a little later. */
  readonly isTransient: boolean;

  constructor(kind: FetchErrorKind, address: string, why: string, options: FetchErrorOptions = {}) {
    const { status, retryAfterMs, attempts, sites, hint, cause } = options;
    const url = redactAddress(address);
    super('fetch', sites === undefined ? `cannot fetch \`${url}\`: ${why}` : why, {
      details: {
        kind,
        url,
        ...(status !== undefined && { status }),
        ...(attempts !== undefined && { attempts }),
        ...(sites !== undefined && { sites }),
      },
      ...(hint !== undefined && { hint }),
      ...(cause !== undefined && { cause }),
    });
    this.name = 'FetchError';
    this.kind = kind;
    this.url = url;
    this.why = why;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.sites = sites;
    this.isSlow = options.isSlow === true;
    const isPassing =
      kind === 'status' ? status !== undefined && PASSING_STATUSES.has(status) : PASSING_KINDS.has(kind);
    this.isTransient = isPassing && options.isFinal !== true;
  }
}

/** What to do about a web page in the place of a file. */
export const WEB_PAGE_HINT =
  'use another mirror, or open the address in a browser: a login page or proxy may respond instead of the site';

/** What to do about a file that only the network has. */
export const OFFLINE_HINT = 'run the command without `--offline` once';

/** Returns the error for a web page in the place of a file; kind `html`. */
export function webPageInstead(address: string): FetchError {
  return new FetchError('html', address, 'the site sent a web page instead of the file', { hint: WEB_PAGE_HINT });
}

/** Removes user name, password, query (which can contain a key) and fragment from an address. Text that is not a URL
 *  with a host is kept. */
export function redactAddress(address: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) return address;
  if (!URL.canParse(address)) return address.replace(/\/\/[^/]*@/, '//').replace(/[?#].*$/s, '');
  const url = new URL(address);
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return url.href;
}
