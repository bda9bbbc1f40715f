import { errors } from 'undici';
import { FetchError } from '../base/fetch-error.ts';
import { TimeoutFault } from './exchange.ts';
import { ProxyFault } from './network.ts';

/** When a request failed: before the head of its answer, or so far into the body. */
export type Phase = 'head' | { readonly receivedBytes: number; readonly bodyBytes: number | undefined };

const CONNECT_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (connection refused)',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be looked up now',
  EHOSTUNREACH: 'the host is unreachable',
  ENETUNREACH: 'the network is unreachable',
  ENETDOWN: 'the network is down',
  EADDRNOTAVAIL: 'no local address for it',
  ETIMEDOUT: 'no connection in time',
};

const TLS_CODES =
  /^(?:ERR_(?:TLS|SSL)_|CERT_|UNABLE_TO_|(?:EPROTO|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|HOSTNAME_MISMATCH|INVALID_CA)$)/;

const UNKNOWN_ISSUER = /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/;

const LIMITS: Readonly<Record<TimeoutFault['limit'], string>> = {
  connectMs: 'no connection',
  headersMs: 'no answer',
  stallMs: 'no more of the body',
  wholeMs: 'not the whole',
};

/** Says what a failure of undici, of a socket or of a limit of time means. Gives the signal's reason back as it is. */
export function failureOf(error: unknown, url: URL, phase: Phase, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (error instanceof TimeoutFault)
    return new FetchError(
      'timeout',
      url.href,
      `${LIMITS[error.limit]} within ${error.limitMs / 1000} s${progress(phase)}`,
    );
  if (error instanceof ProxyFault) return proxyError(error, url);
  const code = codeOf(error);
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
    `the connection broke off${phase === 'head' ? ' before an answer' : progress(phase)}`,
    { cause: error },
  );
}

function isShort(phase: Phase): boolean {
  return phase !== 'head' && phase.bodyBytes !== undefined && phase.receivedBytes < phase.bodyBytes;
}

/** A chunked body that ends early is told as a fault of its form. */
function brokenAnswer(error: unknown, url: URL, phase: Phase): FetchError {
  if (phase === 'head') return new FetchError('protocol', url.href, 'the answer is not HTTP', { cause: error });
  return new FetchError(isShort(phase) ? 'short' : 'protocol', url.href, `the answer is broken${progress(phase)}`, {
    cause: error,
  });
}

function tlsError(error: unknown, code: string, url: URL): FetchError {
  return new FetchError('tls', url.href, `no trust in its certificate or TLS (${code})`, {
    cause: error,
    ...(UNKNOWN_ISSUER.test(code) && {
      hint: 'name the authority that signed it with `--ca-file FILE` or `NODE_EXTRA_CA_CERTS=FILE`',
    }),
  });
}

function proxyError(error: ProxyFault, url: URL): FetchError {
  const isRefusal = error.status === 407 || error.status === 403 || error.status === 401;
  return new FetchError(isRefusal ? 'refused' : 'connect', url.href, error.message, {
    cause: error,
    ...(error.status !== undefined && { status: error.status }),
    ...(error.status === 407 && { hint: 'put the user name and password into the address of the proxy' }),
  });
}

function progress(phase: Phase): string {
  if (phase === 'head') return '';
  const of = phase.bodyBytes === undefined ? '' : ` of ${phase.bodyBytes}`;
  return ` after ${phase.receivedBytes}${of} bytes`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
