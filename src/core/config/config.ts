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
  /** Addresses, or directories as written: see `resolvePaths`. */
  readonly sites?: readonly string[];
  /** Files of OpenPGP keys to trust besides Cygwin's own. */
  readonly keyring?: readonly string[];
  readonly windows?: string;
  readonly test?: boolean;
  readonly source?: boolean;
  /** Whether category Base is installed, as setup always does. */
  readonly base?: boolean;
  /** Directory of the local repo. */
  readonly repo?: string;
  readonly layout?: Layout;
}

/** How a repo is laid out: as on a mirror, or with setup's directories of sites. */
export type Layout = (typeof LAYOUTS)[number];

export const LAYOUTS = ['flat', 'site'] as const;
