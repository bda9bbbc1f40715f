import type { FetchContext } from '../../api/fetch-request.ts';
import type { Config } from '../../core/config/config.ts';
import { flag, grouped, list } from './declare.ts';
import type { Arguments } from './declare.ts';
import { UsageError } from '../terminal/failure.ts';

export const CA_FILE = list('FILE', 'Trust the certificate authorities in this PEM file too; repeat for several');

/** Where to fetch from, and which keys to trust. */
export const SITE_OPTIONS = grouped('Sites', {
  site: list('ADDRESS', 'Use this mirror: an https, http or file URL, or a directory; repeat to add fallbacks'),
  'add-site': list('ADDRESS', 'Add a site with further packages, besides the mirrors; repeat for several'),
  keyring: list('PATH', "Trust the OpenPGP keys in this file or directory, besides Cygwin's own; repeat for several"),
  unsigned: flag('Accept an unsigned index'),
  'ca-file': CA_FILE,
  http2: flag('Use HTTP/2 with https sites that offer it'),
});

export type SiteArguments = Arguments<typeof SITE_OPTIONS>;

/** Groups the sites: first the mirrors of one content, then each added site alone. Throws `usage` without a mirror. */
export function sitesOf({ site, addSite }: Pick<SiteArguments, 'site' | 'addSite'>, config: Config): string[][] {
  const mirrors = site.length > 0 ? site : (config.sites ?? []);
  if (mirrors.length === 0) {
    throw new UsageError(
      'no site is given',
      'name a mirror with `--site`, for example `--site https://mirrors.kernel.org/sourceware/cygwin/`; ' +
        '`cygstrap sites` lists them',
    );
  }
  return [[...mirrors], ...addSite.map((address) => [address])];
}

/** Returns the keyrings of the command line, or those of the project file. */
export function keyringOf({ keyring }: SiteArguments, config: Config): readonly string[] {
  return keyring.length > 0 ? keyring : (config.keyring ?? []);
}

/** Returns the options of the connections to sites. */
export function siteOptionsOf(
  { caFile, http2 = false }: Pick<SiteArguments, 'caFile'> & Partial<Pick<SiteArguments, 'http2'>>,
  env: Readonly<Record<string, string | undefined>>,
  connections?: number,
): NonNullable<FetchContext['siteOptions']> {
  return { env, caFiles: caFile, allowHttp2: http2, ...(connections === undefined ? {} : { connections }) };
}
