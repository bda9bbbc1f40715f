import { CygstrapError } from '../errors.ts';
import type { Lock } from '../core/lock/lock.ts';
import type { PackageRecord } from '../core/setup-ini/records.ts';
import { checkWindows, lastSetup } from '../core/windows/ceilings.ts';
import { windowsTarget } from '../core/windows/kinds.ts';
import type { WindowsArchitecture } from '../core/windows/kinds.ts';

export interface WindowsOptions {
  /** Architecture of the medium that Windows is installed from, if it is known. */
  readonly architecture?: WindowsArchitecture | undefined;
  /** Records of the index, to check the criteria on `_windows` too. */
  readonly records?: readonly PackageRecord[];
  /** `setup-minimum-version` of the index. */
  readonly setupMinimumVersion?: string | undefined;
}

/** Throws `windows` with a `WindowsFault` as details if the packages of a lock cannot be installed on a Windows. Reads
 *  nothing.
 *  @param windows the name of a kind, or a version */
export function requireWindows(
  windows: string,
  { request: { arch }, packages }: Pick<Lock, 'request' | 'packages'>,
  { architecture, records, setupMinimumVersion }: WindowsOptions = {},
): void {
  const fault = checkWindows(windowsTarget(windows, architecture), {
    arch,
    packages: records === undefined ? packages : withDepends(packages, records),
    setupMinimumVersion,
  });
  if (fault === undefined) return;
  const { message, hint, ...details } = fault;
  throw new CygstrapError('windows', message, { hint, details });
}

function withDepends(packages: Lock['packages'], records: readonly PackageRecord[]) {
  const depends = new Map(
    records.flatMap((record) =>
      record.versions.map(({ version, depends: list }) => [`${record.name} ${version}`, list] as const),
    ),
  );
  return packages.map(({ name, version }) => ({ name, version, depends: depends.get(`${name} ${version}`) ?? [] }));
}

/** Throws `windows` if the current setup program does not run on the Windows of a lock. */
export function requireCurrentSetup({ request }: Pick<Lock, 'request'>): void {
  const { name, version } = windowsTarget(request.windows);
  const last = lastSetup({ version });
  if (last === undefined) return;
  throw new CygstrapError(
    'windows',
    `the current setup program does not run on ${name}: the last that does is setup ${last}`,
    {
      hint:
        'leave out `--installer`, download that version from https://cygwin.com/setup/, and put it on the medium ' +
        'with `cygstrap media --add FILE`',
      details: { windows: version, setup: last },
    },
  );
}
