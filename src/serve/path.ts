/** Where a request's target leads, or the status that refuses it. */
export type Target =
  | {
      readonly kind: 'path';
      /** Decoded names from the root down; empty for the root. */
      readonly names: readonly string[];
      readonly isDirectory: boolean;
      /** As sent, with its `?`; empty without. */
      readonly query: string;
    }
  | { readonly kind: 'refused'; readonly status: 400 | 404 };

/** Reads the target of a request. Each name is decoded on its own, once; `+` is itself. Repeated slashes count as one, for
 *  setup adds one to addresses that end in one. 400: not UTF-8 or not an address; a name that holds a separator or a control
 *  character, or is `.` or `..`, however encoded. 404: a name that is kept from everybody. */
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

/** Names that nobody gets: they start with a dot; end like a file still being written, whose bytes nobody has verified; are no
 *  plain names on Windows (a stream, a trailing dot or blank); or are devices there. */
const HIDDEN = [
  /^\./,
  /\.(?:tmp|part(?:\.\w+)?)$/i,
  /[:\p{Cc}\p{Surrogate}]|[. ]$/u,
  /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)\d)(?:\.|$)/i,
];

/** Whether a name is kept from everybody. */
export function isHidden(name: string): boolean {
  return HIDDEN.some((pattern) => pattern.test(name));
}

/** A name as it stands in an address; the characters that setup sends as they are stay so. */
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
