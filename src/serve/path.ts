/** The path of a request, or the status that rejects it. */
export type Target =
  | {
      readonly kind: 'path';
      /** Decoded components of the path; empty for the root. */
      readonly names: readonly string[];
      readonly isDirectory: boolean;
      /** The query as sent, with `?`; empty without one. */
      readonly query: string;
    }
  | { readonly kind: 'refused'; readonly status: 400 | 404 };

/** Parses a request target. Decodes each component once; `+` is not a blank. Repeated slashes count as one, since
 *  setup appends a slash to addresses that end in one. Status 400: not UTF-8, not an address, or a component with a
 *  separator or control character, `.` or `..` in any encoding. Status 404: a hidden name. */
export function parseTarget(target: string): Target {
  const origin = /^https?:\/\/[^/?#]*/i.exec(target)?.[0] ?? '';
  const [path = '', ...rest] = target.slice(origin.length).split('?');
  const query = rest.length === 0 ? '' : `?${rest.join('?')}`;
  if (!path.startsWith('/') && !(path === '' && origin !== '')) return { kind: 'refused', status: 400 };
  const names: string[] = [];
  for (const part of path.split('/').filter((each) => each !== '')) {
    const name = decoded(part);
    if (name === undefined || /^\.\.?$|[/\\\p{Cc}]/u.test(name)) return { kind: 'refused', status: 400 };
    if (isHidden(name)) return { kind: 'refused', status: 404 };
    names.push(name);
  }
  return { kind: 'path', names, isDirectory: names.length === 0 || path.endsWith('/'), query };
}

/** Names that are never served: dot files, files that are still being written, names that are special on Windows
 *  (streams, trailing dots or blanks), and device names. */
const HIDDEN = [
  /^\./,
  /\.(?:tmp|part(?:\.\w+)?)$/i,
  /[:\p{Cc}\p{Surrogate}]|[. ]$/u,
  /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)\d)(?:\.|$)/i,
];

/** Returns whether a name is never served. */
export function isHidden(name: string): boolean {
  return HIDDEN.some((pattern) => pattern.test(name));
}

/** Encodes a name for a URL. Characters that setup sends unencoded stay unencoded. */
export function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll('%2B', '+').replaceAll('%40', '@');
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
