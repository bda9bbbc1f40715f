import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { Agent, buildConnector, Client } from 'undici';
import type { Dispatcher } from 'undici';
import { CygstrapError } from '../../errors.ts';
import { HttpRequest } from './request.ts';
import { AddressGuard } from './address-guard.ts';
import type { GuardOptions } from './address-guard.ts';
import { proxyFor } from './proxy.ts';
import type { Proxy } from './proxy.ts';
import { SpareConnections } from './spare-connections.ts';
import type { Timeouts } from './timeouts.ts';

export interface NetworkOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly connections: number;
  readonly allowHttp2: boolean;
  readonly caFiles: readonly string[];
  readonly timeouts: Timeouts;
  /** Host of the site, as in its URL. */
  readonly siteHost: string;
  /** For tests. */
  readonly guard?: GuardOptions;
}

/** Windows of HTTP/2: bytes that a server may send before they are acknowledged. A distant one at 1 Gbit/s needs more
 *  than 12 MB. */
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;

/** The proxy did not connect to the site. */
export class ProxyFault extends Error {
  /** Its status, if it responded. */
  readonly status: number | undefined;
  readonly proxy: Proxy;

  constructor(proxy: Proxy, status: number | undefined, cause?: unknown) {
    const problem = status === undefined ? 'cannot be reached' : `responds with ${status}`;
    super(`the proxy ${proxy.origin} (from \`${proxy.variable}\`) ${problem}`, { cause });
    this.name = 'ProxyFault';
    this.status = status;
    this.proxy = proxy;
  }
}

/** Pools of persistent connections, one per host; https through a proxy uses tunnels. */
export class Network {
  readonly #options: NetworkOptions;
  readonly #tls: buildConnector.BuildOptions;
  readonly #guard: AddressGuard;
  readonly #spares: SpareConnections;
  readonly #direct: Agent;
  /** Connections to proxies for http. */
  readonly #proxied: Agent;
  readonly #proxies = new Map<string, Proxy | undefined>();
  readonly #tunnels = new Map<string, { readonly agent: Agent; readonly client: Client }>();

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#tls = { timeout: options.timeouts.connectMs, allowH2: options.allowHttp2, ...authorities(options) };
    this.#guard = new AddressGuard(options.siteHost, options.guard);
    this.#spares = new SpareConnections(buildConnector({ ...this.#tls, lookup: this.#guard.lookup }));
    this.#direct = this.#agent(this.#spares.connect);
    this.#proxied = this.#agent(this.#tls);
  }

  /** Returns the proxy for a URL. */
  proxyOf({ origin }: URL): Proxy | undefined {
    if (!this.#proxies.has(origin)) this.#proxies.set(origin, proxyFor(new URL(origin), this.#options.env));
    return this.#proxies.get(origin);
  }

  /** Opens up to `count` connections for later requests to a host, unless they go through a proxy or share one
   *  connection. */
  connectAhead(url: URL, count: number): void {
    const { allowHttp2, connections } = this.#options;
    if (allowHttp2 || this.proxyOf(url) !== undefined) return;
    this.#guard.judge(url.hostname);
    this.#spares.open(url, Math.min(count, connections));
  }

  /** Sends a GET request. Throws AddressFault for a literal address that the site may not lead to. */
  send(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined): HttpRequest {
    this.#guard.judge(url.hostname);
    const request = new HttpRequest(this.#options.timeouts, signal);
    const proxy = this.proxyOf(url);
    const path = `${url.pathname}${url.search}`;
    if (proxy === undefined) this.#direct.dispatch({ origin: url.origin, path, method: 'GET', headers }, request);
    else if (url.protocol === 'https:')
      this.#tunnel(proxy).dispatch({ origin: url.origin, path, method: 'GET', headers }, request);
    else {
      const proxied = {
        ...headers,
        host: url.host,
        ...(proxy.authorization !== undefined && { 'proxy-authorization': proxy.authorization }),
      };
      this.#proxied.dispatch(
        { origin: proxy.origin, path: `${url.origin}${path}`, method: 'GET', headers: proxied },
        request,
      );
    }
    return request;
  }

  /** Closes every connection; what is still under way fails. */
  async close(): Promise<void> {
    this.#spares.close();
    const tunnels = [...this.#tunnels.values()].flatMap(({ agent, client }) => [agent, client]);
    await Promise.all([this.#direct, this.#proxied, ...tunnels].map((dispatcher) => dispatcher.destroy()));
  }

  #agent(connect: Agent.Options['connect']): Agent {
    const { connections, allowHttp2 } = this.#options;
    // The timeouts are those of the request: undici's are accurate to a second only.
    return new Agent({
      connections,
      pipelining: 1,
      allowH2: allowHttp2,
      initialWindowSize: STREAM_WINDOW_BYTES,
      connectionWindowSize: CONNECTION_WINDOW_BYTES,
      headersTimeout: 0,
      bodyTimeout: 0,
      ...(connect !== undefined && { connect }),
    });
  }

  #tunnel(proxy: Proxy): Dispatcher {
    const key = `${proxy.origin} ${proxy.authorization ?? ''}`;
    const known = this.#tunnels.get(key);
    if (known !== undefined) return known.agent;
    const client = new Client(proxy.origin, {
      connect: { ...this.#tls, allowH2: false },
      headersTimeout: this.#options.timeouts.headersMs,
    });
    const secure = buildConnector(this.#tls);
    const connect = async (to: buildConnector.Options, callback: buildConnector.Callback): Promise<void> => {
      const httpSocket = await openTunnel(client, proxy, to);
      if (httpSocket instanceof ProxyFault) callback(httpSocket, null);
      else secure({ ...to, httpSocket }, callback);
    };
    const agent = this.#agent((to, callback) => void connect(to, callback));
    this.#tunnels.set(key, { agent, client });
    return agent;
  }
}

/** Requests a tunnel from a proxy. Every failure is a ProxyFault: undici retries some of its own indefinitely. */
async function openTunnel(client: Client, proxy: Proxy, to: buildConnector.Options): Promise<Socket | ProxyFault> {
  const target = `${to.hostname}:${to.port === '' ? '443' : to.port}`;
  const headers = {
    host: target,
    ...(proxy.authorization !== undefined && { 'proxy-authorization': proxy.authorization }),
  };
  try {
    const { socket, statusCode } = await client.connect({ path: target, headers });
    if (statusCode === 200) return socket as Socket;
    socket.on('error', () => {}).destroy();
    return new ProxyFault(proxy, statusCode);
  } catch (error) {
    return new ProxyFault(proxy, undefined, error);
  }
}

/** Custom authorities replace the list of Node.js, so the result contains that list and NODE_EXTRA_CA_CERTS too. All
 *  connections share it: reading the list takes 40 ms. */
function authorities({ caFiles, env }: NetworkOptions): { secureContext?: SecureContext } {
  if (caFiles.length === 0) return {};
  const extra = env['NODE_EXTRA_CA_CERTS'];
  const files = [...caFiles, ...(extra === undefined || extra === '' ? [] : [extra])];
  return { secureContext: createSecureContext({ ca: [...rootCertificates, ...files.map(readAuthority)] }) };
}

/** Reads certificates in PEM. Throws `io` for a file without one, and for one that is cut: Node.js would ignore it. */
function readAuthority(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    const [, ...blocks] = text.split(/-----BEGIN (?=(?:TRUSTED |X509 )?CERTIFICATE-----)/);
    if (blocks.length === 0) throw new Error('it has no certificate in PEM');
    for (const block of blocks) void new X509Certificate(`-----BEGIN ${block}`);
    return text;
  } catch (cause) {
    throw new CygstrapError('io', `cannot read the CA file: \`${path}\``, { cause });
  }
}
