import type { Config, SiteEntry } from './config.ts';

/** Merges options of the command line over a project file, field by field. A list replaces the list of the file; an
 *  empty list or `undefined` sets nothing. */
export function mergeConfig(
  config: Config,
  commandLine: { readonly [K in keyof Config]: Config[K] | undefined },
): Config {
  const given = Object.entries(commandLine).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return { ...config, ...Object.fromEntries(given) };
}

/** Resolves the paths of a project file: `resolve` joins a path to the directory of the file. Addresses of sites are
 *  kept. */
export function resolvePaths(config: Config, resolve: (path: string) => string): Config {
  const { sites, addSites, keyring, repo } = config;
  const located = (address: string): string => (isAddress(address) ? address : resolve(address));
  const resolved = (site: SiteEntry): SiteEntry =>
    typeof site === 'string'
      ? located(site)
      : { ...site, address: located(site.address), ...(site.keys && { keys: site.keys.map(resolve) }) };
  return {
    ...config,
    ...(sites === undefined ? {} : { sites: sites.map(resolved) }),
    ...(addSites === undefined ? {} : { addSites: addSites.map(resolved) }),
    ...(keyring === undefined ? {} : { keyring: keyring.map(resolve) }),
    ...(repo === undefined ? {} : { repo: resolve(repo) }),
  };
}

/** Returns whether a site is an address with a scheme; `C:\mirror` is a directory. */
function isAddress(site: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(site);
}
