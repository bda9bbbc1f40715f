/** State of a file for conditional requests. */
export interface FileState {
  readonly sizeBytes: number;
  /** Strong entity tag, with quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
}

/** Status and byte range to send. `end` is the last byte, counted from 0; -1 for an empty file. */
export type Selection =
  | { readonly status: 200 | 206; readonly start: number; readonly end: number }
  | { readonly status: 412 | 416 }
  | { readonly status: 304 };

export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Evaluates the conditions of a GET or HEAD request in the order of RFC 9110, 13.2.2: If-Match, If-Unmodified-Since,
 *  If-None-Match, If-Modified-Since, and for GET If-Range and Range. Several ranges are ignored and the whole file is
 *  sent, which every client must accept. Malformed headers are ignored. */
export function select(method: 'GET' | 'HEAD', headers: RequestHeaders, file: FileState, nowMs: number): Selection {
  const whole: Selection = { status: 200, start: 0, end: file.sizeBytes - 1 };
  const match = textOf(headers['if-match']);
  const unmodifiedSince = match === undefined ? dateOf(headers['if-unmodified-since']) : undefined;
  if (match !== undefined && !tagsOf(match).some((tag) => tag === '*' || tag === file.etag)) return { status: 412 };
  if (unmodifiedSince !== undefined && secondsOf(file.modifiedMs) > secondsOf(unmodifiedSince)) return { status: 412 };
  const noneMatch = textOf(headers['if-none-match']);
  const modifiedSince = noneMatch === undefined ? dateOf(headers['if-modified-since']) : undefined;
  if (noneMatch !== undefined && tagsOf(noneMatch).some((tag) => tag === '*' || tag.replace(/^W\//, '') === file.etag))
    return { status: 304 };
  if (modifiedSince !== undefined && secondsOf(file.modifiedMs) <= secondsOf(modifiedSince)) return { status: 304 };
  const range = method === 'GET' ? textOf(headers['range']) : undefined;
  if (range === undefined || !meansThis(textOf(headers['if-range']), file, nowMs)) return whole;
  return rangeOf(range, file.sizeBytes) ?? whole;
}

/** Returns whether an If-Range header matches this state of the file. A date matches only if the file had it for at
 *  least a second; before that the file can change twice with the same date. */
function meansThis(ifRange: string | undefined, { etag, modifiedMs }: FileState, nowMs: number): boolean {
  if (ifRange === undefined || ifRange === etag) return true;
  if (ifRange.includes('"')) return false;
  const date = dateOf(ifRange);
  return (
    date !== undefined && secondsOf(date) === secondsOf(modifiedMs) && secondsOf(nowMs) - secondsOf(modifiedMs) >= 1
  );
}

/** Returns undefined unless the header is a single valid byte range; positions can have any number of digits. */
function rangeOf(range: string, sizeBytes: number): Selection | undefined {
  const [, first = '', last = ''] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(range) ?? [];
  if (first === '' && last === '') return undefined;
  if (first !== '' && last !== '' && BigInt(last) < BigInt(first)) return undefined;
  // More digits than a double holds are beyond the end of every file.
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return start > end ? { status: 416 } : { status: 206, start, end };
}

function tagsOf(list: string): string[] {
  return list.match(/(?:W\/)?"[^"]*"|\*/g) ?? [];
}

function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'object' ? value.join(', ') : value;
}

/** Parses an HTTP date. Returns milliseconds since 1970. */
function dateOf(value: string | readonly string[] | undefined): number | undefined {
  const text = textOf(value);
  if (text === undefined || !/^[A-Z][a-z]{2},? /.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

function secondsOf(ms: number): number {
  return Math.floor(ms / 1000);
}
