import { errors } from 'undici';
import { AddressFault } from './address-guard.ts';
import { FetchError } from '../base/fetch-error.ts';
import { TimeoutFault, UnreadFault } from './request.ts';
import type { TimeoutName } from './request.ts';
import { ProxyFault } from './network.ts';
import type { Proxy } from './proxy.ts';

/** Phase of a failure: before the head of the response, or after this many bytes of the body. */
export type Phase = 'head' | { readonly receivedBytes: number; readonly bodyBytes: number | undefined };

const CONNECT_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name server does not respond',
  EHOSTUNREACH: 'the host is unreachable',
  ENETUNREACH: 'the network is unreachable',
  ENETDOWN: 'the network is down',
  EADDRNOTAVAIL: 'no local address for it',
  ETIMEDOUT: 'no connection in time',
};

const TLS_CODES =
  /^(?:ERR_(?:TLS|SSL)_|CERT_|UNABLE_TO_|(?:EPROTO|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|HOSTNAME_MISMATCH|INVALID_CA)$)/;

const TRUST_HINT = 'trust its certificate authority with `--ca-file FILE` or `NODE_EXTRA_CA_CERTS=FILE`';
const CLOCK_HINT = 'use another site, or check the clock of this computer';

/** Reasons of TLS failures by the error code of OpenSSL, with a hint. */
const TLS_REASONS: readonly (readonly [code: RegExp, reason: string, hint?: string])[] = [
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired', CLOCK_HINT],
  [/^CERT_NOT_YET_VALID$/, 'its certificate is not valid yet', CLOCK_HINT],
  [/ALTNAME_INVALID$|^HOSTNAME_MISMATCH$/, 'its certificate is for another host'],
  [/^DEPTH_ZERO_SELF_SIGNED_CERT$/, 'its certificate is self-signed', TRUST_HINT],
  [/^SELF_SIGNED_CERT_IN_CHAIN$|^UNABLE_TO_/, 'its certificate is from an unknown authority', TRUST_HINT],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, 'it offers only old versions of TLS, which are not secure'],
  [/NO_APPLICATION_PROTOCOL/, 'it offers no HTTP over TLS'],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/, 'it does not respond with TLS'],
  [/HANDSHAKE_FAILURE|NO_SHARED_CIPHER/, 'it and this computer have no TLS cipher in common'],
];

const LIMITS: Readonly<Record<Exclude<TimeoutName, 'rateWindowMs'>, string>> = {
  connectMs: 'no connection',
  headersMs: 'no response',
  stallMs: 'no data received',
  wholeMs: 'incomplete response',
};

/** A request whose failure is described. */
export interface FailedRequest {
  readonly url: URL;
  readonly phase: Phase;
  readonly signal: AbortSignal | undefined;
  readonly proxy: Proxy | undefined;
}

/** Converts an error of undici, of a socket or a timeout into a FetchError. Returns the reason of the signal
 *  unchanged. */
export function failureOf(error: unknown, { url, phase, signal, proxy }: FailedRequest): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (error instanceof TimeoutFault) return timeoutError(error, url, phase);
  if (error instanceof UnreadFault) return new FetchError('reset', url.href, error.message);
  if (error instanceof AddressFault) return new FetchError('refused', url.href, error.message);
  if (error instanceof ProxyFault) return proxyError(error, url);
  const code = codeOf(error);
  // A tunnel has its own errors, and after them the site is at the other end.
  const isOfProxy = proxy !== undefined && url.protocol === 'http:' && phase === 'head' && isOfConnection(code);
  if (isOfProxy) return proxyError(new ProxyFault(proxy, undefined, error), url);
  if (code === 'UND_ERR_CONNECT_TIMEOUT')
    return new FetchError('timeout', url.href, 'no connection in time', { cause: error });
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED')
    return new FetchError('refused', url.href, 'the site has been closed', { cause: error });
  if (TLS_CODES.test(code)) return tlsError(error, code, url);
  if (error instanceof errors.HTTPParserError || code === 'UND_ERR_HEADERS_OVERFLOW')
    return brokenAnswer(error, url, phase);
  const connectWhy = phase === 'head' ? CONNECT_CODES[code] : undefined;
  if (connectWhy !== undefined) return new FetchError('connect', url.href, connectWhy, { cause: error });
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' || (code === 'UND_ERR_SOCKET' && isShort(phase))) {
    return new FetchError('short', url.href, `the connection was closed${progress(phase)}`, { cause: error });
  }
  return new FetchError(
    'reset',
    url.href,
    `the connection was lost${phase === 'head' ? ' before the response' : progress(phase)}`,
    { cause: error },
  );
}

function timeoutError({ limit, timeouts }: TimeoutFault, url: URL, phase: Phase): FetchError {
  const limitS = timeouts[limit] / 1000;
  if (limit !== 'rateWindowMs')
    return new FetchError('timeout', url.href, `${LIMITS[limit]} within ${limitS} s${progress(phase)}`);
  const why = `slower than ${timeouts.minBytesPerSecond} bytes per second for ${limitS} s${progress(phase)}`;
  return new FetchError('timeout', url.href, why, {
    isSlow: true,
    hint: 'use another site, or set a lower rate with `--min-rate`; 0 is no limit',
  });
}

function isShort(phase: Phase): boolean {
  return phase !== 'head' && phase.bodyBytes !== undefined && phase.receivedBytes < phase.bodyBytes;
}

/** A chunked body that ends early is reported as malformed. */
function brokenAnswer(error: unknown, url: URL, phase: Phase): FetchError {
  if (phase === 'head') return new FetchError('protocol', url.href, 'the response is not HTTP', { cause: error });
  return new FetchError(
    isShort(phase) ? 'short' : 'protocol',
    url.href,
    `the response is malformed${progress(phase)}`,
    { cause: error },
  );
}

function tlsError(error: unknown, code: string, url: URL): FetchError {
  const [, reason = 'invalid certificate or TLS failure', hint] = TLS_REASONS.find(([of]) => of.test(code)) ?? [];
  return new FetchError('tls', url.href, `${reason} (${code})`, { cause: error, ...(hint !== undefined && { hint }) });
}

/** Whether an error code belongs to making a connection, TLS included. */
function isOfConnection(code: string): boolean {
  return code === 'UND_ERR_CONNECT_TIMEOUT' || CONNECT_CODES[code] !== undefined || TLS_CODES.test(code);
}

function proxyError(error: ProxyFault, url: URL): FetchError {
  const { status, proxy, cause, message } = error;
  const isRefusal = status === 407 || status === 403 || status === 401;
  const code = codeOf(cause);
  const reason = CONNECT_CODES[code] ?? (code === 'UND_ERR_CONNECT_TIMEOUT' ? 'no connection in time' : code);
  return new FetchError(
    isRefusal ? 'refused' : 'connect',
    url.href,
    reason === '' ? message : `${message}: ${reason}`,
    {
      cause: error,
      ...(status !== undefined && { status }),
      ...(status === undefined && { hint: `start the proxy, or correct or unset \`${proxy.variable}\`` }),
      ...(status === 407 && { hint: 'add the user name and password to the address of the proxy' }),
    },
  );
}

function progress(phase: Phase): string {
  if (phase === 'head') return '';
  const of = phase.bodyBytes === undefined ? '' : ` of ${phase.bodyBytes}`;
  return ` after ${phase.receivedBytes}${of} bytes`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
