import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** One answer to one request. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void;

/** What goes with the bytes of a file. */
export interface FileOptions {
  /** With its quotes. */
  readonly etag?: string;
  readonly lastModified?: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** Until sent bytes have surely arrived: a reset on their heels would take them back. */
const ARRIVAL_MS = 20;

/** Sends a file as a good server does: ranges, If-Range, If-None-Match, If-Modified-Since. */
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

/** Sends the head and the first bytes of a file, then does something else. */
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

/** Writes to the connection itself, past everything that minds the form, and closes it. */
function raw(text: string, bytes: Uint8Array = new Uint8Array()): Fault {
  return ({ socket }) => {
    socket.write(text);
    socket.end(bytes);
  };
}

const PAGE = '<!DOCTYPE html>\n<html><title>Welcome</title><p>Please log in to use this network</html>\n';

/** What a server can do, rightly and wrongly. */
export const fault = {
  serve,

  /** Any status, with a small page for people. */
  status: (status: number, headers: OutgoingHttpHeaders = {}): Fault => {
    return (_request, response) =>
      void response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(`<html>${status}</html>\n`);
  },

  /** 429 with Retry-After, in seconds or as a date. */
  tooMany: (retryAfter: number | string): Fault => fault.status(429, { 'retry-after': String(retryAfter) }),

  /** A redirect, with a path or a whole address. */
  redirect: (location: string, status = 302): Fault => fault.status(status, { location }),

  /** Breaks the connection without a word. */
  resetBeforeHeaders: (): Fault => {
    return ({ socket }) => void socket.resetAndDestroy();
  },

  /** Closes the connection, in good form, without a word. */
  closeBeforeHeaders: (): Fault => {
    return ({ socket }) => void socket.end();
  },

  /** Never answers. */
  silence: (): Fault => () => {},

  /** Breaks the connection in the body. */
  resetMidBody: (bytes: Uint8Array, sentBytes: number, options: FileOptions = {}): Fault => {
    return afterBytes(bytes, sentBytes, options, ({ socket }) => void socket?.resetAndDestroy());
  },

  /** Announces the whole, closes the connection in good form before the end. */
  short: (bytes: Uint8Array, sentBytes: number, options: FileOptions = {}): Fault => {
    return afterBytes(bytes, sentBytes, options, ({ socket }) => void socket?.end());
  },

  /** Sends some of the body, and then nothing. */
  stall: (bytes: Uint8Array, sentBytes: number, options: FileOptions = {}): Fault => {
    return afterBytes(bytes, sentBytes, options, () => {});
  },

  /** Sends a little every few milliseconds, so that it never stalls. */
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

  /** A file with more behind it than there should be; announced as it is. */
  long: (bytes: Uint8Array, extraBytes: number, options: FileOptions = {}): Fault => {
    return serve(Buffer.concat([bytes, Buffer.alloc(extraBytes, 0x2e)]), options);
  },

  /** Sends more than it announces. */
  surplus: (bytes: Uint8Array, extraBytes: number): Fault => {
    return raw(
      `HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`,
      Buffer.concat([bytes, Buffer.alloc(extraBytes, 0x2e)]),
    );
  },

  /** A chunked body that ends in the middle of a chunk. */
  cutChunk: (bytes: Uint8Array): Fault => {
    return raw(
      `HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${(bytes.length + 10).toString(16)}\r\n`,
      bytes,
    );
  },

  /** Right in size, and one byte in the middle is another. */
  wrongBytes: (bytes: Uint8Array, options: FileOptions = {}): Fault => {
    const wrong = Uint8Array.from(bytes, (byte, at) => (at === Math.floor(bytes.length / 2) ? byte ^ 1 : byte));
    return serve(wrong, options);
  },

  /** Status 200 and a web page, as portals have it; `type` to hide it. */
  html: (type = 'text/html; charset=utf-8'): Fault => {
    return (_request, response) => void response.writeHead(200, { 'content-type': type }).end(PAGE);
  },

  /** Packs the file once more, whatever was asked. */
  gzipped: (bytes: Uint8Array): Fault => {
    return (_request, response) => sendWhole(response, gzipSync(bytes), { headers: { 'content-encoding': 'gzip' } });
  },

  /** Answers a range with another: its Content-Range, and the bytes from `startByte` on. */
  wrongRange: (
    bytes: Uint8Array,
    startByte: number,
    contentRange = `bytes ${startByte}-${bytes.length - 1}/${bytes.length}`,
  ): Fault => {
    return (_request, response) =>
      void response.writeHead(206, { 'content-range': contentRange }).end(bytes.subarray(startByte));
  },

  /** Knows no ranges. */
  ignoredRange: (bytes: Uint8Array, options: FileOptions = {}): Fault => {
    return (_request, response) => sendWhole(response, bytes, options);
  },

  /** Heeds ranges, but not If-Range: the rest may be that of another file. */
  ignoredIfRange: (bytes: Uint8Array, options: FileOptions = {}): Fault => {
    return (request, response) => sendRange(request, response, bytes, options);
  },

  /** Says something that is not HTTP. */
  garbage: (): Fault => raw('220 ftp.example.org ready\r\n'),

  raw,
} as const;
