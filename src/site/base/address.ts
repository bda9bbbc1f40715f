import { fileURLToPath } from 'node:url';
import { CygstrapError } from '../../errors.ts';
import { FetchError, redactAddress } from './fetch-error.ts';

/** Location of a site. */
export type Address =
  /** `base` ends in a slash and has neither credentials, query nor fragment. */
  | { readonly kind: 'http'; readonly base: URL; readonly authorization: string | undefined }
  | { readonly kind: 'directory'; readonly path: string };

/** A host with a port, as `localhost:8080/cygwin`, which nobody means as a directory. */
const HOST_AND_PORT = /^(?:[\w-]+(?:\.[\w-]+)*|\[[\da-f:]+\]):\d{1,5}(?:\/|$)/i;

/** Parses the address of a site: `https://`, `http://`, `file://`, or a directory. Throws `usage` for another scheme
 *  and for an invalid address. */
export function parseAddress(address: string): Address {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address)?.[1]?.toLowerCase();
  if (address === '') throw new CygstrapError('usage', 'the address of a site is empty');
  if (scheme === undefined) {
    if (HOST_AND_PORT.test(address))
      throw notASite(address, 'it has no scheme', `write \`http://${address}\`, or \`./${address}\` for a directory`);
    return { kind: 'directory', path: address };
  }
  if (!URL.canParse(address)) throw notASite(address, 'it is no valid URL');
  const url = new URL(address);
  if (scheme === 'file') return { kind: 'directory', path: directoryOf(url) };
  if (scheme !== 'http' && scheme !== 'https') {
    throw notASite(
      address,
      `${scheme} is not supported`,
      'use `https://`, `http://`, `file://` or a directory; most mirrors have `https://`',
    );
  }
  if (url.search !== '' || url.hash !== '') throw notASite(address, 'it has a query or a fragment');
  const authorization = basicAuthorization(url);
  return { kind: 'http', base: new URL(`${url.origin}${url.pathname.replace(/\/*$/, '/')}`), authorization };
}

function directoryOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new CygstrapError('usage', `not the address of a site: \`${url.href}\``, { cause });
  }
}

function notASite(address: string, why: string, hint?: string): CygstrapError {
  return new CygstrapError(
    'usage',
    `not the address of a site: \`${redactAddress(address)}\`: ${why}`,
    hint === undefined ? {} : { hint },
  );
}

/** Returns the Authorization header for the user name and password of a URL; undefined without them. */
export function basicAuthorization(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  return `Basic ${Buffer.from(`${unescaped(url.username)}:${unescaped(url.password)}`).toString('base64')}`;
}

/** Decodes percent escapes; a stray `%` is kept. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Joins a path to a base URL, escaped as mirrors expect it: `+` and `~` are kept, a blank becomes `%20`, a `%`
 *  becomes `%25`. Throws FetchError `refused` as {@link refusePath}. */
export function urlBelow(base: URL, path: string): URL {
  refusePath(base.href, path);
  return new URL(
    encodeURI(path)
      .replace(/[?#]/g, (char) => (char === '?' ? '%3F' : '%23'))
      .replace(/^/, base.href),
  );
}

/** Throws FetchError `refused` for a path that is empty, absolute, or has an empty, `.` or `..` component, a
 *  backslash, a control character or a lone surrogate: on some systems it would name a file outside of the site. */
export function refusePath(base: string, path: string): void {
  const isStrange = /[\p{Cc}\p{Surrogate}\\]/u.test(path) || path.split('/').some((part) => /^\.{0,2}$/.test(part));
  if (isStrange) throw new FetchError('refused', base, `not a path below a site: \`${path}\``);
}
