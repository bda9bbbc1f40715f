import { parseAddress } from './base/address.ts';
import { DirectorySite } from './directory-site.ts';
import { HttpSite } from './http/http-site.ts';
import { Network } from './http/network.ts';
import { TIMEOUTS } from './http/timeouts.ts';
import type { Timeouts } from './http/timeouts.ts';
import { OfflineSite } from './offline-site.ts';
import type { Site } from './base/site.ts';

/** Maximum number of connections to one host. */
export const CONNECTIONS = 16;

/** Options of a connection; a directory uses none. */
export interface SiteOptions {
  /** For example `cygstrap/1.2.3`. */
  readonly userAgent: string;
  /** Environment with the proxies: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`; names in lower case take precedence. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: {@link CONNECTIONS}. */
  readonly connections?: number;
  /** Offers HTTP/2. Many small files are faster without it. */
  readonly allowHttp2?: boolean;
  /** PEM files of certificate authorities to trust in addition. */
  readonly caFiles?: readonly string[];
  readonly timeouts?: Partial<Timeouts>;
  /** Refuses every request to a remote site. Default: false. */
  readonly offline?: boolean | undefined;
}

/** Opens a site by its address: `https://`, `http://`, `file://` or a directory. Sends no request. Throws `usage` for
 *  an invalid address or proxy, `io` for an unreadable CA file. */
export function openSite(address: string, options: SiteOptions): Site {
  const parsed = parseAddress(address);
  if (parsed.kind === 'directory') return new DirectorySite(parsed.path);
  if (options.offline === true) return new OfflineSite(parsed.base);
  const network = new Network({
    env: options.env ?? {},
    connections: options.connections ?? CONNECTIONS,
    allowHttp2: options.allowHttp2 === true,
    caFiles: options.caFiles ?? [],
    siteHost: parsed.base.hostname,
    timeouts: { ...TIMEOUTS, ...options.timeouts },
  });
  network.proxyOf(parsed.base);
  return new HttpSite(parsed.base, parsed.authorization, network, options.userAgent);
}
