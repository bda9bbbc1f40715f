import { FetchError, webPageInstead } from '../base/fetch-error.ts';
import type { Download, OpenOptions } from '../base/site.ts';
import type { Head, Headers } from './request.ts';

/** Metadata of a response whose body follows. */
export interface Promised {
  readonly kind: Download['kind'];
  readonly startByte: number;
  readonly totalBytes: number | undefined;
  readonly validator: string | undefined;
  /** Length of the body, if known. */
  readonly bodyBytes: number | undefined;
}

/** Returns whether the response is a redirect. */
export function isRedirect({ status }: Head): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** Returns the target of a redirect. Throws FetchError `redirect` for a missing or invalid address, and from https to
 *  another scheme. */
export function redirectTarget(from: URL, { status, headers }: Head): URL {
  const location = valueOf(headers, 'location');
  if (location === undefined || !URL.canParse(location, from.href))
    throw new FetchError('redirect', from.href, 'redirected to nowhere', { status });
  const to = new URL(location, from);
  // Our credentials are in a header; credentials from the site are dropped.
  to.username = '';
  to.password = '';
  to.hash = '';
  if (to.protocol !== 'https:' && (to.protocol !== 'http:' || from.protocol === 'https:')) {
    throw new FetchError(
      'redirect',
      from.href,
      `redirected from ${from.protocol.slice(0, -1)} to ${to.protocol.slice(0, -1)}, which is refused`,
      { status },
    );
  }
  return to;
}

/** Statuses of a file that the site does not have or does not give now: a request for the whole file gets the same. */
const NOT_OF_RANGES: ReadonlySet<number> = new Set([401, 404, 407, 408, 410, 425, 429, 451, 503]);

/** Checks the head of a final response against the request. Throws FetchError unless it is the file, its rest, or
 *  `unchanged`; of kind `range` for every response to a range that a request for the whole file can do without. */
export function judge(url: URL, asked: OpenOptions, head: Head, nowMs: number): Promised {
  try {
    return judgeAny(url, asked, head, nowMs);
  } catch (error) {
    const isOfRange = (asked.fromByte ?? 0) > 0 && head.status !== 200 && !NOT_OF_RANGES.has(head.status);
    if (!isOfRange || !(error instanceof FetchError)) throw error;
    throw new FetchError('range', url.href, error.why, { status: head.status, cause: error });
  }
}

function judgeAny(url: URL, asked: OpenOptions, head: Head, nowMs: number): Promised {
  const { status, headers } = head;
  const fromByte = asked.fromByte ?? 0;
  const validator = validatorOf(headers);
  if (status === 304 && asked.unlessIs !== undefined) {
    return {
      kind: 'unchanged',
      startByte: 0,
      totalBytes: undefined,
      validator: validator ?? asked.unlessIs,
      bodyBytes: 0,
    };
  }
  if (status === 416 && fromByte > 0) return judgeUnsatisfied(url, asked, head);
  if (status === 206 && fromByte > 0) return judgeRest(url, asked, head);
  if (status !== 200) throw statusError(url, head, nowMs);
  refusePage(url, asked, headers);
  const bodyBytes = lengthOf(headers);
  return { kind: 'whole', startByte: 0, totalBytes: bodyBytes, validator, bodyBytes };
}

/** Source: RFC 9110 section 14.4: "Content-Range: bytes 42-1233/1234", the total may be `*`. */
function judgeRest(url: URL, asked: OpenOptions, { headers }: Head): Promised {
  refusePage(url, asked, headers);
  refuseChange(url, asked, headers);
  const fromByte = asked.fromByte ?? 0;
  const range = valueOf(headers, 'content-range') ?? '';
  const [, first, last, total] = /^bytes +(\d+)-(\d+)\/(\d+|\*)$/i.exec(range) ?? [];
  const endByte = Number(last) + 1;
  const isRest = Number(first) === fromByte && endByte > fromByte && (total === '*' || Number(total) === endByte);
  if (!isRest)
    throw new FetchError('range', url.href, `asked for the bytes from ${fromByte} on, got \`${range}\``, {
      status: 206,
    });
  const bodyBytes = endByte - fromByte;
  const announced = lengthOf(headers) ?? bodyBytes;
  if (announced !== bodyBytes) {
    throw new FetchError(
      announced < bodyBytes ? 'short' : 'long',
      url.href,
      `${announced} bytes announced for \`${range}\``,
      { status: 206 },
    );
  }
  return {
    kind: 'rest',
    startByte: fromByte,
    totalBytes: total === '*' ? undefined : endByte,
    validator: validatorOf(headers),
    bodyBytes,
  };
}

/** The response to a range after the end: the file is complete, or it became shorter.
 *  Source: RFC 9110 section 15.5.17: Content-Range has "the current length of the selected representation". */
function judgeUnsatisfied(url: URL, asked: OpenOptions, { headers }: Head): Promised {
  refuseChange(url, asked, headers);
  const totalBytes = Number(/^bytes +\*\/(\d+)$/i.exec(valueOf(headers, 'content-range') ?? '')?.[1]);
  const fromByte = asked.fromByte ?? 0;
  if (totalBytes === fromByte)
    return {
      kind: 'rest',
      startByte: fromByte,
      totalBytes,
      validator: validatorOf(headers) ?? asked.validator,
      bodyBytes: 0,
    };
  const has = Number.isNaN(totalBytes) ? 'fewer' : String(totalBytes);
  throw new FetchError('range', url.href, `asked for the bytes from ${fromByte} on, but it has ${has}`, {
    status: 416,
  });
}

/** A site that ignores If-Range can send the rest of another version. */
function refuseChange(url: URL, { validator }: OpenOptions, headers: Headers): void {
  if (validator === undefined) return;
  const now = validator.startsWith('"') ? valueOf(headers, 'etag') : valueOf(headers, 'last-modified');
  if (now !== undefined && now !== validator)
    throw new FetchError('range', url.href, 'the file has changed since the download began');
}

/** Content encodings that only repeat the format of the file, as some servers send them for archives. */
const OWN_ENCODINGS: readonly (readonly [encoding: RegExp, path: RegExp])[] = [
  [/^(?:x-)?gzip$/i, /\.(?:t?gz)$/i],
  [/^(?:x-)?bzip2$/i, /\.(?:bz2|tbz2?)$/i],
  [/^(?:x-)?(?:xz|lzma)$/i, /\.(?:xz|txz|lzma)$/i],
  [/^(?:x-)?zstd$/i, /\.(?:zst|tzst)$/i],
];

/** Returns the content encoding of a response, which was not requested, unless it repeats the format of the file. Sites
 *  send wrong ones, so it explains bytes that do not match, and decides nothing. */
export function strangeEncoding(url: URL, { headers }: Head): string | undefined {
  const encoding = valueOf(headers, 'content-encoding')?.trim() ?? '';
  const isOwn = OWN_ENCODINGS.some(([name, path]) => name.test(encoding) && path.test(url.pathname));
  return encoding === '' || encoding.toLowerCase() === 'identity' || isOwn ? undefined : encoding.slice(0, 60);
}

function refusePage(url: URL, { isPage }: OpenOptions, headers: Headers): void {
  if (isPage === true) return;
  const type = valueOf(headers, 'content-type') ?? '';
  if (/^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(type) && !isWebPage(url)) throw webPageInstead(url.href);
}

/** Names of files that can be web pages. */
export function isWebPage(url: URL): boolean {
  return /(?:\.html?|\/)$/i.test(url.pathname);
}

/** The byte order mark of UTF-8 as latin1. */
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

/** Returns whether a body begins like a web page; undefined while that is not known yet. `head` is latin1. */
export function beginsAsHtml(head: string): boolean | undefined {
  if (BYTE_ORDER_MARK.startsWith(head)) return undefined;
  const text = (head.startsWith(BYTE_ORDER_MARK) ? head.slice(BYTE_ORDER_MARK.length) : head).trimStart().toLowerCase();
  const openings = ['<!doctype html', '<html'];
  if (openings.some((opening) => text.startsWith(opening))) return true;
  return openings.some((opening) => opening.startsWith(text)) ? undefined : false;
}

const REFUSALS: ReadonlySet<number> = new Set([401, 403, 407, 451]);

const HINTS: Readonly<Record<number, string>> = {
  401: 'pass a user name and a password: `https://NAME:PASSWORD@HOST/`',
  407: 'pass a user name and a password: `HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT`',
  511: 'open the address in a browser: this network asks for a login',
};

function statusError(url: URL, { status, headers }: Head, nowMs: number): FetchError {
  const retryAfterMs = retryAfterOf(valueOf(headers, 'retry-after'), nowMs);
  const hint = HINTS[status];
  const kind = status === 404 || status === 410 ? 'missing' : REFUSALS.has(status) ? 'refused' : 'status';
  const wait = retryAfterMs === undefined ? '' : `; retry after ${Math.ceil(retryAfterMs / 1000)} s`;
  return new FetchError(kind, url.href, `the site answers ${status}${wait}`, {
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(hint !== undefined && { hint }),
  });
}

/** Parses Retry-After, seconds or a date. Returns undefined for anything else; 0 for a past date. */
export function retryAfterOf(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(value)) return Number(value) * 1000;
  // Date.parse accepts a bare number too.
  const atMs = /[a-z]/i.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

function validatorOf(headers: Headers): string | undefined {
  const etag = valueOf(headers, 'etag');
  return etag?.startsWith('"') === true ? etag : valueOf(headers, 'last-modified');
}

function lengthOf(headers: Headers): number | undefined {
  const value = valueOf(headers, 'content-length');
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function valueOf(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
