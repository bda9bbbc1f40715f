/** The file name of a project file. */
export const CONFIG_NAME = 'cygstrap.json';

/** The settings of a project. All fields are optional, with the defaults of the command line. */
export interface Config {
  /** For editors only. */
  readonly $schema?: string;
  /** `NAME`, or `NAME=VERSION` for one version. */
  readonly packages?: readonly string[];
  readonly categories?: readonly string[];
  readonly buildDepends?: readonly string[];
  readonly arch?: string;
  /** Mirrors with the same content; directories as written: see `resolvePaths`. */
  readonly sites?: readonly SiteEntry[];
  /** Sites with further packages, each with an index of its own. */
  readonly addSites?: readonly SiteEntry[];
  /** Files of OpenPGP keys to trust besides Cygwin's own, for every site without `keys`. */
  readonly keyring?: readonly string[];
  /** `MAJOR.MINOR.BUILD`, `MAJOR.MINOR`, or a kind of Windows. */
  readonly windows?: string;
  readonly test?: boolean;
  readonly source?: boolean;
  /** Whether category Base is installed, as setup always does. */
  readonly base?: boolean;
  /** Directory of the local repo. */
  readonly repo?: string;
  readonly layout?: Layout;
}

/** A site: its address, or its address and the trust that belongs to it alone. */
export type SiteEntry = string | TrustedSite;

/** A site with a trust of its own. */
export interface TrustedSite {
  readonly address: string;
  /** Files of OpenPGP keys: the only keys that count for this site, and they count for no other. */
  readonly keys?: readonly string[];
  /** Whether its index needs no signature. */
  readonly unsigned?: boolean;
}

/** Returns the address of a site. */
export function siteAddress(site: SiteEntry): string {
  return typeof site === 'string' ? site : site.address;
}

/** How a repo is laid out: as on a mirror, or with setup's directories of sites. */
export type Layout = (typeof LAYOUTS)[number];

export const LAYOUTS = ['flat', 'site'] as const;
