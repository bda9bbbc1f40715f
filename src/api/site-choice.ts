import { join } from 'node:path';
import { siteAddress } from '../core/config/config.ts';
import type { Config, SiteEntry } from '../core/config/config.ts';
import { CygstrapError } from '../errors.ts';
import { userConfigDirectory } from '../io/user-dirs.ts';
import { readProject } from './project.ts';
import { DEFAULTS } from './defaults.ts';
import type { GivenSites } from './site-groups.ts';

/** Variable of the environment with addresses of mirrors, separated by white space. */
export const SITE_VARIABLE = 'CYGSTRAP_SITE';

/** The mirrors of a command, and where they are named. */
export interface SiteChoice {
  readonly site: readonly string[];
  readonly config: Pick<Config, 'sites' | 'addSites' | 'keyring'>;
  /** For messages; undefined if the command line names them, and if nothing does. */
  readonly from: string | undefined;
}

/** Chooses the mirrors: those of the command line, or else of `CYGSTRAP_SITE`, of the project file, of the user's own
 *  `config.json`, or else the default one. An empty list in the user's file means none. Throws as `readProject`, and
 *  `usage` for a user's file with other settings than sites and keys. */
export async function chooseSites(
  { site, addSite, unsignedSite }: GivenSites,
  project: { readonly config: Config; readonly file: string | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): Promise<SiteChoice> {
  const { config } = project;
  if (site.length > 0 || addSite.length > 0 || unsignedSite.length > 0) return { site, config, from: undefined };
  const named = (environment[SITE_VARIABLE] ?? '').split(/\s+/).filter((address) => address !== '');
  if (named.length > 0) return { site: named, config, from: `the variable ${SITE_VARIABLE}` };
  if ((config.sites ?? []).length > 0) return { site: [], config, from: `the project file \`${project.file}\`` };
  const file = join(userConfigDirectory(environment), 'config.json');
  const own = await readProject(file, { isOptional: true });
  const { $schema: _schema, sites, addSites, keyring, ...others } = own?.config ?? {};
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw new CygstrapError('usage', `\`${file}\` sets \`${other}\`, which belongs to a project`, {
      hint: 'keep only `sites`, `addSites` and `keyring` in it',
    });
  if (sites === undefined) return { site: [DEFAULTS.site], config, from: 'the defaults of cygstrap' };
  const keys = [...(config.keyring ?? []), ...(keyring ?? [])];
  return { site: [], config: { ...(sites && { sites }), ...(addSites && { addSites }), keyring: keys }, from: file };
}

/** Returns a note that names mirrors which the command line does not name; undefined for others. */
export function choiceNote({ from }: SiteChoice, [first, ...others]: readonly SiteEntry[] = []): string | undefined {
  if (from === undefined || first === undefined) return undefined;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `the mirror is \`${siteAddress(first)}\`${more}, from ${from}`;
}

/** Splits the URLs of indexes, `ADDRESS/ARCH/setup.EXT`, into sites and their architecture. Returns undefined if none
 *  is a URL. Throws `usage` for URLs beside file names, for another form, and for several architectures. */
export function sitesOfIndexes(
  indexes: readonly string[],
): { readonly sites: readonly string[]; readonly arch: string } | undefined {
  const urls = indexes.filter((name) => /^https?:\/\//i.test(name));
  const [first] = urls;
  if (first === undefined) return undefined;
  if (urls.length < indexes.length)
    throw new CygstrapError('usage', '`--index` cannot name files and URLs at the same time');
  const parts = urls.map((url) => {
    const [, site, arch] = /^(.*\/)([^/]+)\/setup\.(?:ini|bz2|gz|xz|zst)$/.exec(url) ?? [];
    if (site === undefined || arch === undefined)
      throw new CygstrapError('usage', `not the URL of an index: \`${url}\``, {
        hint: 'it ends in `ARCH/setup.xz` or the like; `--site` takes the address of a mirror',
      });
    return { site, arch };
  });
  const [arch = '', other] = new Set(parts.map((part) => part.arch));
  if (other !== undefined)
    throw new CygstrapError('usage', `the indexes have different architectures: \`${arch}\`, \`${other}\``);
  return { sites: parts.map(({ site }) => site), arch };
}
