import { BlockList, isIP } from 'node:net';
import { CygstrapError } from '../../errors.ts';
import { basicAuthorization } from '../base/address.ts';
import { redactAddress } from '../base/fetch-error.ts';

/** A proxy. */
export interface Proxy {
  readonly origin: string;
  /** The environment variable that names it. */
  readonly variable: string;
  readonly authorization: string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Returns the proxy for a URL: `https_proxy`, `HTTPS_PROXY` for https, `http_proxy`, `HTTP_PROXY` for http, else
 *  `all_proxy`, `ALL_PROXY`, unless `no_proxy` or `NO_PROXY` lists the host. An empty value means none. Throws `usage`
 *  for a value that is not an http or https URL. */
export function proxyFor(url: URL, env: Env): Proxy | undefined {
  const scheme = `${url.protocol.slice(0, -1)}_proxy`;
  const names = [scheme, scheme.toUpperCase(), 'all_proxy', 'ALL_PROXY'];
  const variable = names.find((name) => env[name] !== undefined) ?? scheme;
  const value = env[variable] ?? '';
  if (value === '' || isExempt(url, env['no_proxy'] ?? env['NO_PROXY'] ?? '')) return undefined;
  const address = value.includes('://') ? value : `http://${value}`;
  const proxy = URL.canParse(address) ? new URL(address) : undefined;
  if (proxy === undefined || !/^https?:$/.test(proxy.protocol)) {
    const why = /^socks/i.test(address) ? ': SOCKS is not supported' : '';
    throw new CygstrapError('usage', `not an http or https proxy: \`${variable}=${redactAddress(address)}\`${why}`, {
      hint: `set \`${scheme.toUpperCase()}\` to an http proxy, or unset \`${variable}\``,
    });
  }
  return { origin: proxy.origin, variable, authorization: basicAuthorization(proxy) };
}

/** Returns whether a list such as `localhost, .example.org:8080, 10.0.0.0/8, *` contains the host of a URL. A name
 *  includes its subdomains. */
export function isExempt(url: URL, list: string): boolean {
  const host = bareHost(url.hostname);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '' || entry === '*') return entry === '*';
    if (entry.includes('/')) return isInSubnet(host, entry);
    // The last colon of a bare IPv6 address does not start a port.
    const [, name = entry, wanted] = isIP(entry) === 6 ? [] : (/^(.*):(\d+)$/.exec(entry) ?? []);
    if (wanted !== undefined && wanted !== port) return false;
    const bare = bareHost(name.toLowerCase()).replace(/^\*?\./, '');
    return host === bare || (isIP(host) === 0 && host.endsWith(`.${bare}`));
  });
}

function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

function isInSubnet(host: string, entry: string): boolean {
  const [net = '', bits = ''] = entry.split('/');
  const family = isIP(net);
  if (family === 0 || family !== isIP(host) || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const subnet = new BlockList();
  subnet.addSubnet(net, Number(bits), type);
  return subnet.check(host, type);
}
