import { CygstrapError } from '../../errors.ts';

/** How a site failed to deliver:
 *  `connect` no connection (name unknown, unreachable, nobody listens), or none through the proxy;
 *  `tls` its certificate or its TLS is not acceptable;
 *  `timeout` it took longer than one of the limits;
 *  `reset` the connection broke off;
 *  `protocol` what it said is not HTTP;
 *  `status` an HTTP status that is no answer;
 *  `missing` it does not have the file: 404, 410, ENOENT;
 *  `refused` it does not give it to us (401, 403, 407, 451, EACCES), or we do not ask for such a path;
 *  `redirect` it sends us in circles, too far, or to where we do not go;
 *  `short`, `long` fewer or more bytes than it announced;
 *  `encoded` it packed the file once more, although asked not to;
 *  `html` a web page in place of the file;
 *  `range` the rest it sent is not the rest of what we have: drop that and start at 0;
 *  `wrong-bytes` every site sent bytes that are not what was promised (only from `SiteSet`). */
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
  | 'encoded'
  | 'html'
  | 'range'
  | 'wrong-bytes';

/** Statuses that tell of a passing trouble. */
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

/** What became of a file at one site. */
export interface SiteFailure {
  /** The site's `name`. */
  readonly site: string;
  readonly attempts: number;
  /** The reason of the last attempt. */
  readonly why: string;
}

export interface FetchErrorOptions {
  readonly status?: number;
  /** What the site asks us to wait. */
  readonly retryAfterMs?: number;
  readonly attempts?: number;
  readonly sites?: readonly SiteFailure[];
  readonly hint?: string;
  readonly cause?: unknown;
}

/** A site (or every site of a set) did not deliver. Code `fetch`; `details` are `{ kind, url, status?, attempts?,
 *  sites? }`, without any user name, password or query. */
export class FetchError extends CygstrapError {
  readonly kind: FetchErrorKind;
  /** As in `details`: fit to be shown. */
  readonly url: string;
  /** The reason alone, a phrase without the address. */
  readonly why: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  /** After a SiteSet gave up: every site it tried, in the order given. */
  readonly sites: readonly SiteFailure[] | undefined;
  /** Whether the same request to the same site may well succeed a little later. */
  readonly mayPass: boolean;

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
    this.mayPass = kind === 'status' ? status !== undefined && PASSING_STATUSES.has(status) : PASSING_KINDS.has(kind);
  }
}

/** An address as it may be shown: without user name, password, query (which may hold a key) and fragment. What is no
 *  URL with a host (a path, a directory) stays as it is. */
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
