import { siteAddress } from '../core/config/config.ts';
import type { Config, SiteEntry } from '../core/config/config.ts';
import { CygstrapError } from '../errors.ts';
import { DEFAULTS } from './defaults.ts';

/** The sites of an operation, by the names of the project file. */
export interface SiteFields {
  /** Mirrors with the same content, in order of preference. Default: `DEFAULTS.site`. */
  readonly sites?: readonly SiteEntry[] | undefined;
  /** Sites with further packages, each with an index of its own. Default: none. */
  readonly addSites?: readonly SiteEntry[] | undefined;
}

/** Returns the groups of sites that have one index each: the mirrors, and each further site. */
export function groupsOf({ sites = [DEFAULTS.site], addSites = [] }: SiteFields): readonly (readonly SiteEntry[])[] {
  return [sites, ...addSites.map((site) => [site])].filter((group) => group.length > 0);
}

/** Returns groups as the fields of an operation: the first group has the mirrors, each other one a single site. */
export function siteFields([sites = [], ...others]: readonly (readonly SiteEntry[])[]): SiteFields {
  return { sites, addSites: others.flat() };
}

/** The sites of a command line. */
export interface GivenSites {
  /** Mirrors with the same content. */
  readonly site: readonly string[];
  /** Sites with further packages, each with an index of its own. */
  readonly addSite: readonly string[];
  /** Sites whose index needs no signature: some of the above, or further ones. */
  readonly unsignedSite: readonly string[];
}

/** Groups the sites of a command line over those of a project file: first the mirrors, then each added site alone. A
 *  site of the command line has the trust that the project file gives to its address. Throws `usage` without a mirror,
 *  unless the only site is an unsigned one. */
export function siteGroups(
  { site, addSite, unsignedSite }: GivenSites,
  { sites = [], addSites = [] }: Pick<Config, 'sites' | 'addSites'>,
): SiteEntry[][] {
  const inFile = new Map([...sites, ...addSites].map((entry) => [keyOf(entry), entry]));
  const given = (addresses: readonly string[]): SiteEntry[] =>
    addresses.map((address) => inFile.get(keyOf(address)) ?? address);
  const mirrors = site.length > 0 ? given(site) : sites;
  const added = addSite.length > 0 ? given(addSite) : addSites;
  const known = new Set([...mirrors, ...added].map(keyOf));
  const further = given(unsignedSite.filter((address) => !known.has(keyOf(address))));
  if (mirrors.length === 0 && (added.length > 0 || further.length === 0)) {
    throw new CygstrapError('usage', 'no site is given', {
      hint: `name a mirror with \`--site\`, for example \`--site ${DEFAULTS.site}\`; \`cygstrap sites\` lists them`,
    });
  }
  const unsigned = new Set(unsignedSite.map(keyOf));
  const trusted = (entry: SiteEntry): SiteEntry =>
    unsigned.has(keyOf(entry))
      ? { ...(typeof entry === 'string' ? { address: entry } : entry), unsigned: true }
      : entry;
  const groups = [mirrors, ...[...added, ...further].map((entry) => [entry])];
  return groups.filter((group) => group.length > 0).map((group) => group.map(trusted));
}

/** Returns the address of a site without final slashes: with and without them it is the same site. */
function keyOf(site: SiteEntry): string {
  return siteAddress(site).replace(/\/+$/, '');
}
