import { parseAddress } from './base/address.ts';
import { DirectorySite } from './directory-site.ts';
import { HttpSite } from './http/http-site.ts';
import { Network } from './http/network.ts';
import { TIMEOUTS } from './http/timeouts.ts';
import type { Timeouts } from './http/timeouts.ts';
import type { Site } from './base/site.ts';

/** Connections to one host. */
export const CONNECTIONS = 16;

/** How a site is spoken to; a directory needs none of it. */
export interface SiteOptions {
  /** Such as `cygstrap/1.2.3`. */
  readonly userAgent: string;
  /** Where the proxies are looked up: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, in lower case too, which goes first. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: {@link CONNECTIONS}. */
  readonly connections?: number;
  /** Offers HTTP/2 to the site; many small files come faster without. */
  readonly allowHttp2?: boolean;
  /** PEM files with authorities to trust besides the usual ones. */
  readonly caFiles?: readonly string[];
  readonly timeouts?: Partial<Timeouts>;
}

/** Opens a site by its address: `https://`, `http://`, `file://` or a directory. Nothing is asked of it yet. Throws
 *  code `usage` for an address or a proxy that cannot be, `io` for a CA file that cannot be read. */
export function openSite(address: string, options: SiteOptions): Site {
  const parsed = parseAddress(address);
  if (parsed.kind === 'directory') return new DirectorySite(parsed.path);
  const network = new Network({
    env: options.env ?? {},
    connections: options.connections ?? CONNECTIONS,
    allowHttp2: options.allowHttp2 === true,
    caFiles: options.caFiles ?? [],
    timeouts: { ...TIMEOUTS, ...options.timeouts },
  });
  network.proxyOf(parsed.base);
  return new HttpSite(parsed.base, parsed.authorization, network, options.userAgent);
}
