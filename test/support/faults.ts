import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** Writes the response to one request. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void;

/** Headers of a served file. */
export interface FileOptions {
  /** Including its quotes. */
  readonly etag?: string;
  readonly lastModified?: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** Time for sent bytes to arrive, in milliseconds. A reset directly after them would discard them. */
const ARRIVAL_MS = 20;

/** Sends a file correctly: supports ranges, If-Range, If-None-Match and If-Modified-Since. */
function serve(bytes: Uint8Array, options: FileOptions = {}): Fault {
  return (request, response) => {
    const { etag, lastModified } = options;
    const { 'if-none-match': match, 'if-modified-since': since, 'if-range': ifRange } = request.headers;
    const isKnown =
      (etag !== undefined && match === etag) ||
      (match === undefined && lastModified !== undefined && since === lastModified);
    if (isKnown) response.writeHead(304, headersOf(options)).end();
    else if (ifRange !== undefined && ifRange !== etag && ifRange !== lastModified) sendWhole(response, bytes, options);
    else sendRange(request, response, bytes, options);
  };
}

function sendRange(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array, options: FileOptions): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]);
  if (Number.isNaN(from)) sendWhole(response, bytes, options);
  else if (from >= bytes.length)
    response.writeHead(416, { ...headersOf(options), 'content-range': `bytes */${bytes.length}` }).end();
  else {
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
    response
      .writeHead(206, { ...headersOf(options), 'content-range': range, 'content-length': bytes.length - from })
      .end(bytes.subarray(from));
  }
}

function sendWhole(response: ServerResponse, bytes: Uint8Array, options: FileOptions = {}): void {
  response.writeHead(200, { ...headersOf(options), 'content-length': bytes.length }).end(bytes);
}

function headersOf({ etag, lastModified, headers }: FileOptions): OutgoingHttpHeaders {
  return {
    'content-type': 'application/octet-stream',
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { 'last-modified': lastModified }),
    ...headers,
  };
}

/** Sends the headers and the first bytes of a file, then calls `then`. */
function afterBytes(
  bytes: Uint8Array,
  sentBytes: number,
  options: FileOptions,
  then: (response: ServerResponse) => void,
): Fault {
  return (_request, response) => {
    response.writeHead(200, { ...headersOf(options), 'content-length': bytes.length });
    response.write(bytes.subarray(0, sentBytes), () => setTimeout(() => then(response), ARRIVAL_MS));
  };
}

/** Writes to the socket without any HTTP formatting, and closes it. */
function raw(text: string, bytes: Uint8Array = new Uint8Array()): Fault {
  return ({ socket }) => {
    socket.write(text);
    socket.end(bytes);
  };
}

const PAGE = '<!DOCTYPE html>\n<html><title>Welcome</title><p>Please log in to use this network</html>\n';

/** Correct and faulty responses of a server. */
export const fault = {
  serve,

  /** Any status, with a small HTML page. */
  status: (status: number, headers: OutgoingHttpHeaders = {}): Fault => {
    return (_request, response) =>
      void response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(`<html>${status}</html>\n`);
  },

  /** 429 with Retry-After, in seconds or as a date. */
  tooMany: (retryAfter: number | string): Fault => fault.status(429, { 'retry-after': String(retryAfter) }),

  /** A redirect to a path or an absolute URL. */
  redirect: (location: string, status = 302): Fault => fault.status(status, { location }),

  /** Resets the connection before any response. */
  resetBeforeHeaders: (): Fault => {
    return ({ socket }) => void socket.resetAndDestroy();
  },

  /** Closes the connection cleanly before any response. */
  closeBeforeHeaders: (): Fault => {
    return ({ socket }) => void socket.end();
  },

  /** Never responds. */
  silence: (): Fault => () => {},

  /** Resets the connection within the body. */
  resetMidBody: (bytes: Uint8Array, sentBytes: number, options: FileOptions = {}): Fault => {
    return afterBytes(bytes, sentBytes, options, ({ socket }) => void socket?.resetAndDestroy());
  },

  /** Declares the full length, and closes the connection cleanly before the end. */
  short: (bytes: Uint8Array, sentBytes: number, options: FileOptions = {}): Fault => {
    return afterBytes(bytes, sentBytes, options, ({ socket }) => void socket?.end());
  },

  /** Sends a part of the body, then stalls. */
  stall: (bytes: Uint8Array, sentBytes: number, options: FileOptions = {}): Fault => {
    return afterBytes(bytes, sentBytes, options, () => {});
  },

  /** Sends `chunkBytes` bytes every `everyMs` milliseconds: slow, without a stall. */
  drip: (bytes: Uint8Array, chunkBytes: number, everyMs: number): Fault => {
    return (_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      let at = 0;
      const timer = setInterval(() => {
        response.write(bytes.subarray(at, at + chunkBytes));
        at += chunkBytes;
        if (at >= bytes.length) response.end();
      }, everyMs);
      response.on('close', () => clearInterval(timer));
    };
  },

  /** A file with extra bytes at its end and the matching Content-Length. */
  long: (bytes: Uint8Array, extraBytes: number, options: FileOptions = {}): Fault => {
    return serve(Buffer.concat([bytes, Buffer.alloc(extraBytes, 0x2e)]), options);
  },

  /** Sends more bytes than Content-Length declares. */
  surplus: (bytes: Uint8Array, extraBytes: number): Fault => {
    return raw(
      `HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`,
      Buffer.concat([bytes, Buffer.alloc(extraBytes, 0x2e)]),
    );
  },

  /** A chunked body that ends in the middle of a chunk. */
  cutChunk: (bytes: Uint8Array): Fault => {
    const declaredBytes = (bytes.length + 10).toString(16);
    return raw(`HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${declaredBytes}\r\n`, bytes);
  },

  /** The correct size, with one wrong byte in the middle. */
  wrongBytes: (bytes: Uint8Array, options: FileOptions = {}): Fault => {
    const wrong = Uint8Array.from(bytes);
    const middle = Math.floor(bytes.length / 2);
    wrong[middle] = (wrong[middle] ?? 0) ^ 1;
    return serve(wrong, options);
  },

  /** Status 200 with an HTML page, as captive portals send it. `type` overrides the content type. */
  html: (type = 'text/html; charset=utf-8'): Fault => {
    return (_request, response) => void response.writeHead(200, { 'content-type': type }).end(PAGE);
  },

  /** Compresses the file with gzip, regardless of Accept-Encoding. */
  gzipped: (bytes: Uint8Array): Fault => {
    return (_request, response) => sendWhole(response, gzipSync(bytes), { headers: { 'content-encoding': 'gzip' } });
  },

  /** Responds with another range: `contentRange`, and the bytes from `startByte` on. */
  wrongRange: (
    bytes: Uint8Array,
    startByte: number,
    contentRange = `bytes ${startByte}-${bytes.length - 1}/${bytes.length}`,
  ): Fault => {
    return (_request, response) =>
      void response.writeHead(206, { 'content-range': contentRange }).end(bytes.subarray(startByte));
  },

  /** Ignores ranges and sends the whole file. */
  ignoredRange: (bytes: Uint8Array, options: FileOptions = {}): Fault => {
    return (_request, response) => sendWhole(response, bytes, options);
  },

  /** Supports ranges, but ignores If-Range: the rest may belong to another file. */
  ignoredIfRange: (bytes: Uint8Array, options: FileOptions = {}): Fault => {
    return (request, response) => sendRange(request, response, bytes, options);
  },

  /** Sends a line that is not HTTP. */
  garbage: (): Fault => raw('220 ftp.example.org ready\r\n'),

  raw,
} as const;
