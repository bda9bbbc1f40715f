import type { PackageRecord } from '../setup-ini/records.ts';
import { isUnsupportedBySetup } from '../windows/ceilings.ts';
import type { Lock } from './lock.ts';

/** A call of Cygwin's setup program. */
export interface SetupCommand {
  /** File name, or path on a medium. */
  readonly program: string;
  /** One string for each argument, not quoted. */
  readonly arguments: readonly string[];
}

/** Where setup finds the index and the archives: a local package directory, or a site. */
export type SetupPlace =
  { readonly kind: 'directory'; readonly path: string } | { readonly kind: 'site'; readonly url: string };

/** How setup can verify an index: `none` without a signature, `built-in` with the key that setup contains, or with the
 *  public key in a file or at a URL. */
export type SetupTrust = 'none' | 'built-in' | { readonly publicKey: string };

export interface SetupCommandOptions {
  readonly program: string;
  readonly place: SetupPlace;
  readonly trust: SetupTrust;
  /** Records of the index that setup will read. */
  readonly records: readonly PackageRecord[];
}

/** Returns the call of setup that installs exactly the packages of a lock from a repo with the files of the lock.
 *  Packages that other packages replace are named by their replacement, since an index of the repo lists only that.
 *  `--upgrade-also` has no effect on an empty system; elsewhere setup updates dependencies only with it. The call has
 *  no `--no-replaceonreboot`: setup would then leave old files that are in use in place and still exit with 0.
 *  Source: cygwin-setup choose_cli.cc, libsolv.cc, crypto.cc, install.cc, main.cc @ 09e4f16. */
export function setupCommand(
  { request, packages }: Pick<Lock, 'request' | 'packages'>,
  { program, place, trust, records }: SetupCommandOptions,
): SetupCommand {
  const names = request.buildDepends.length > 0 ? undefined : installedNames(request.packages, packages, records);
  // Setup finds build dependencies only in an index that lists the package itself.
  const installed = names ?? packages.map(({ name }) => name);
  const { categories } = request;
  return {
    program,
    arguments: [
      '--quiet-mode',
      '--upgrade-also',
      ...(isUnsupportedBySetup(request) ? ['--allow-unsupported-windows'] : []),
      ...trustArguments(trust),
      ...(place.kind === 'directory'
        ? ['--local-install', '--local-package-dir', place.path]
        : ['--site', place.url, '--only-site']),
      ...(request.test ? ['--allow-test-packages'] : []),
      ...(request.source ? ['--include-source'] : []),
      ...(categories.length === 0 ? [] : ['--categories', categories.join(',')]),
      ...(installed.length === 0 ? [] : ['--packages', installed.join(',')]),
    ],
  };
}

function trustArguments(trust: SetupTrust): string[] {
  if (trust === 'none') return ['--no-verify'];
  return trust === 'built-in' ? [] : ['--pubkey', trust.publicKey];
}

/** Returns the requested items with names of locked packages, each once; undefined if one of them stands for none. */
function installedNames(
  requested: readonly string[],
  packages: Lock['packages'],
  records: readonly PackageRecord[],
): string[] | undefined {
  const locked = new Map(packages.map(({ name, version }) => [name, version]));
  const names = new Set<string>();
  for (const item of requested) {
    const [name = ''] = item.split('=', 1);
    const found = locked.has(name) ? [item] : replacementsOf(name, locked, records);
    if (found.length === 0) return undefined;
    for (const each of found) names.add(each);
  }
  return [...names];
}

/** Returns the locked packages that provide or obsolete a name. */
function replacementsOf(
  name: string,
  locked: ReadonlyMap<string, string>,
  records: readonly PackageRecord[],
): string[] {
  return records
    .filter((record) =>
      record.versions.some(
        ({ version, provides, obsoletes }) =>
          locked.get(record.name) === version && [...provides, ...obsoletes].some((each) => each.name === name),
      ),
    )
    .map((record) => record.name);
}
