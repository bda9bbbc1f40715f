import type { Argv } from 'yargs';
import type { Config } from '../core/config/config.ts';
import type { SiteOptions } from '../site/open-site.ts';
import { UsageError } from './failure.ts';
import { packageVersion } from './version.ts';

const SITES = 'Sites:';

/** Transfers at a time. */
export const DEFAULT_JOBS = 16;

/** Options that say where to fetch from, and whom to trust, as yargs gives them. */
export interface SiteArguments {
  readonly site?: readonly string[] | undefined;
  readonly addSite?: readonly string[] | undefined;
  readonly keyring?: readonly string[] | undefined;
  readonly unsigned?: boolean | undefined;
  readonly caFile?: readonly string[] | undefined;
  readonly http2?: boolean | undefined;
}

/** Options of every command that asks sites for their index. */
export function withSiteOptions<T>(yargs: Argv<T>) {
  const list = { type: 'string', array: true, requiresArg: true, group: SITES } as const;
  return yargs
    .option('site', {
      ...list,
      describe: 'A mirror: https, http, file or a directory; repeat for others to fall back on',
    })
    .option('add-site', { ...list, describe: 'A site with packages of its own, beside the mirrors; repeat for more' })
    .option('keyring', { ...list, describe: "Trust these OpenPGP keys besides Cygwin's own: a file or directory" })
    .option('unsigned', { type: 'boolean', group: SITES, describe: 'Take an index that nobody vouches for' })
    .option('ca-file', { ...list, describe: 'Trust these certificate authorities too (PEM)' })
    .option('http2', { type: 'boolean', group: SITES, describe: 'Speak HTTP/2 with https sites that offer it' });
}

/** Groups the sites: the mirrors of one content first, then each added site alone. Throws `usage` when there are none. */
export function sitesOf({ site, addSite }: SiteArguments, config: Config): string[][] {
  const mirrors = site ?? config.sites ?? [];
  if (mirrors.length === 0) {
    throw new UsageError(
      'no site is given',
      'name a mirror with `--site`, for example `--site https://mirrors.kernel.org/sourceware/cygwin/`; `cygstrap sites` lists them',
    );
  }
  return [[...mirrors], ...(addSite ?? []).map((address) => [address])];
}

/** Keyrings of the command line, else of the project file. */
export function keyringOf({ keyring }: SiteArguments, config: Config): readonly string[] {
  return keyring ?? config.keyring ?? [];
}

/** How sites are spoken to. */
export function siteOptionsOf(
  { caFile, http2 }: SiteArguments,
  env: Readonly<Record<string, string | undefined>>,
  connections?: number,
): SiteOptions {
  return {
    userAgent: `cygstrap/${packageVersion()}`,
    env,
    caFiles: caFile ?? [],
    allowHttp2: http2 === true,
    ...(connections === undefined ? {} : { connections }),
  };
}
