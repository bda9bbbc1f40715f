import type { Config } from './config.ts';

/** Lays what a command line gives over what a project file says, each field apart: a list given replaces the file's
 *  list, and an empty list or `undefined` gives nothing. */
export function mergeConfig(
  config: Config,
  commandLine: { readonly [K in keyof Config]: Config[K] | undefined },
): Config {
  const given = Object.entries(commandLine).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return { ...config, ...Object.fromEntries(given) };
}

/** Turns the paths of a project file into paths from elsewhere: `resolve` is given each path as written and joins it to
 *  the directory of the file. A site that is an address stays as it is. */
export function resolvePaths(config: Config, resolve: (path: string) => string): Config {
  const { sites, keyring, repo } = config;
  return {
    ...config,
    ...(sites === undefined ? {} : { sites: sites.map((site) => (isAddress(site) ? site : resolve(site))) }),
    ...(keyring === undefined ? {} : { keyring: keyring.map(resolve) }),
    ...(repo === undefined ? {} : { repo: resolve(repo) }),
  };
}

/** Whether a site is an address with a scheme, and not a directory; `C:\mirror` is a directory. */
function isAddress(site: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(site);
}
