import { readFileSync } from 'node:fs';

/** Returns the version in the package.json of cygstrap. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** Returns the User-Agent header of requests to sites. */
export function userAgent(): string {
  return `cygstrap/${packageVersion()}`;
}
