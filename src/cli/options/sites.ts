import type { SiteContext } from '../../api/context.ts';
import type { Config } from '../../core/config/config.ts';
import { DEFAULTS } from '../../api/defaults.ts';
import { architecture } from './architecture.ts';
import { documentDefault, excluding, flag, grouped, list, parsed, withDefault } from './declare.ts';
import { wholeNumber } from './units.ts';
import type { Arguments } from './declare.ts';

export const CA_FILE = list('FILE', 'Trust the certificate authorities in this PEM file too; repeat for several');

/** Above any line; a larger number is a mistake. */
const MAX_RATE = 999_999_999;

export const MIN_RATE = withDefault(
  parsed(
    'BYTES',
    'Leave a mirror that sends fewer bytes per second for a minute; 0 for no limit',
    wholeNumber(0, MAX_RATE),
  ),
  '1000',
);

/** Where to fetch from, and which keys to trust. */
export const SITE_OPTIONS = grouped('Sites', {
  site: list('ADDRESS', 'Use this mirror: an https, http or file URL, or a directory; repeat to add fallbacks'),
  'add-site': list('ADDRESS', 'Add a site with further packages, besides the mirrors; repeat for several'),
  keyring: list('PATH', "Trust the OpenPGP keys in this file or directory, besides Cygwin's own; repeat for several"),
  unsigned: flag('Accept an unsigned index of the only site; with several, see --unsigned-site'),
  'unsigned-site': list(
    'ADDRESS',
    'Accept an unsigned index of this site, one of the above or another like --add-site',
  ),
  'allow-older-index': flag('Accept an index older than one used before, as of a dated site'),
  'ca-file': CA_FILE,
  'min-rate': MIN_RATE,
  http2: flag('Use HTTP/2 with https sites that offer it'),
});

/** How the index of a remote site is kept between commands. */
export const KEEPING_OPTIONS = grouped('Sites', {
  arch: documentDefault(architecture('Use the index for this architecture'), DEFAULTS.arch),
  offline: flag('Use the index of a site that an earlier command has kept; never ask the site'),
  refresh: excluding(flag('Ask the site for its index, also if it was asked within the last hour'), ['offline']),
});

export type SiteArguments = Arguments<typeof SITE_OPTIONS>;

/** Returns the keyrings of the command line, or those of the project file. */
export function keyringOf({ keyring }: SiteArguments, config: Config): readonly string[] {
  return keyring.length > 0 ? keyring : (config.keyring ?? []);
}

/** Returns the options of the connections to sites. */
export function siteOptionsOf(
  { caFile, minRate, http2 = false }: Pick<SiteArguments, 'caFile' | 'minRate'> & Partial<Pick<SiteArguments, 'http2'>>,
  connections?: number,
): NonNullable<SiteContext['siteOptions']> {
  const timeouts = { minBytesPerSecond: minRate };
  return { caFiles: caFile, allowHttp2: http2, timeouts, ...(connections === undefined ? {} : { connections }) };
}
