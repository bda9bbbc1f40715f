import { fileURLToPath } from 'node:url';
import { UsageError } from '../terminal/failure.ts';

/** Returns the path that an option or argument names: a path, or a `file:` URL. `name` is for messages, such as
 *  `--lock`. Throws UsageError for any other URL. */
export function pathOf(text: string, name: string): string {
  const scheme = schemeOf(text);
  if (scheme === undefined) return text;
  if (scheme !== 'file')
    throw new UsageError(`${name} accepts a path, but no URL: \`${text}\``, 'download it, and give its path');
  try {
    return fileURLToPath(text);
  } catch {
    throw new UsageError(`${name} has a URL that names no local file: \`${text}\``, 'give the path instead');
  }
}

/** Returns the path or URL of what a site can have too: an `http:` or `https:` URL as it is, other names as
 *  {@link pathOf}. Throws UsageError for a URL with another scheme. */
export function pathOrUrlOf(text: string, name: string): string {
  const scheme = schemeOf(text);
  if (scheme === 'http' || scheme === 'https') return text;
  if (scheme === undefined || scheme === 'file') return pathOf(text, name);
  throw new UsageError(`${name} accepts a path, or a URL with http, https or file: \`${text}\``);
}

/** Returns the scheme of a URL in lower case. The drive letter of a Windows path is not a scheme. */
function schemeOf(text: string): string | undefined {
  return /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1]?.toLowerCase();
}
