import type { Dependency } from '../setup-ini/records.ts';
import { compareVersions } from '../version/compare.ts';
import { versionMeets } from '../version/criteria.ts';
import type { WindowsKind, WindowsTarget } from './kinds.ts';

/** The last Cygwin for a Windows, and the site that has the packages of its time. */
export interface LastCygwin {
  /** Version of the package `cygwin`, without release. */
  readonly version: string;
  /** Architecture of the packages. */
  readonly arch: CygwinArchitecture;
  /** A dated mirror in the Cygwin Time Machine. */
  readonly site: string;
  /** Whether setup accepts the signature of its index. */
  readonly isSigned: boolean;
}

type CygwinArchitecture = 'x86' | 'x86_64';

/** A version of Cygwin that dropped old versions of Windows. */
interface Ceiling {
  /** The first version of the package `cygwin`, without release. */
  readonly from: string;
  /** The lowest Windows that it runs on. */
  readonly needs: string;
  readonly needsName: string;
  /** What still runs on the versions of Windows that it dropped. */
  readonly last: { readonly x86: LastCygwin; readonly x86_64?: LastCygwin };
  /** The last setup program that still runs on them; absent if that is the current one. */
  readonly setup?: string;
}

const TIME_MACHINE = 'http://ctm.crouchingtigerhiddenfruitbat.org/pub/cygwin/circa';

/** Cygwin 3.4 has no packages for x86. */
const LAST_OF_X86 = dated('3.3.6', 'x86', '2022/11/23/063457', true);

/** The newest first. Source: cygwin.com/install.html of 2025, "the last Cygwin version for an old, unsupported Windows
 *  version"; winsup/doc/new-features.xml, "Drop support for". That page says "use --no-verify" of the sites that are
 *  not signed here. Windows XP is that with Service Pack 3; before, it is as Windows 2000. */
const CEILINGS: readonly Ceiling[] = [
  {
    from: '3.5.0',
    needs: '6.3',
    needsName: 'Windows 8.1 or Server 2012 R2',
    last: { x86: LAST_OF_X86, x86_64: dated('3.4.10', 'x86_64', '2024/01/30/231215', false) },
  },
  {
    from: '3.4.0',
    needs: '6.1',
    needsName: 'Windows 7 or Server 2008 R2',
    last: { x86: LAST_OF_X86, x86_64: dated('3.3.6', 'x86_64', '2022/11/23/063529', true) },
  },
  {
    from: '2.6.0',
    needs: '6.0',
    needsName: 'Windows Vista or Server 2008',
    last: {
      x86: dated('2.5.2', 'x86', '2016/08/30/104223', false),
      x86_64: dated('2.5.2', 'x86_64', '2016/08/30/104235', false),
    },
    setup: '2.932',
  },
  {
    from: '1.7.19',
    needs: '5.1',
    needsName: 'Windows XP',
    last: { x86: dated('1.7.18', 'x86', '2013/06/04/121035', false) },
    setup: '2.774',
  },
];

function dated(version: string, arch: CygwinArchitecture, date: string, isSigned: boolean): LastCygwin {
  return { version, arch, site: `${TIME_MACHINE}/${arch === 'x86' ? '' : '64bit/'}${date}`, isSigned };
}

/** Returns the last Cygwin for a Windows, for the architecture if that Windows has it; undefined if the current one
 *  runs there. */
export function lastCygwin(
  { version, architectures }: WindowsTarget,
  arch: string | undefined,
): LastCygwin | undefined {
  const last = CEILINGS.findLast(({ needs }) => isOlder(version, needs))?.last;
  const is32Bit = arch === 'x86' || !architectures.includes('amd64');
  return is32Bit ? (last?.x86 ?? LAST_OF_X86) : last?.x86_64;
}

/** Returns the version of the last setup program that runs on a Windows; undefined if the current one does. */
export function lastSetup({ version }: Pick<WindowsTarget, 'version'>): string | undefined {
  return CEILINGS.findLast(({ needs }) => isOlder(version, needs))?.setup;
}

/** Returns whether setup refuses packages on a Windows without `--allow-unsupported-windows`. The last setup for
 *  versions before Windows XP does not have that option. Source: cygwin-setup main.cc `WinMain`. */
export function isUnsupportedBySetup({ windows, arch }: { readonly windows: string; readonly arch: string }): boolean {
  return !isOlder(windows, '5.1') && (arch === 'x86' || isOlder(windows, '6.3'));
}

/** A package of a plan or a lock. */
interface InstalledVersion {
  readonly name: string;
  readonly version: string;
  /** Its requirements, if they are known. */
  readonly depends?: readonly Dependency[];
}

/** Why packages cannot be installed on a Windows. */
export interface WindowsFault {
  /** `version`: the package `cygwin` does not run there; `architecture`: that Windows has no 64-bit programs;
   *  `requirement`: a package requires another version with `_windows`; `setup`: the index requires a setup program
   *  that does not run there. */
  readonly reason: 'version' | 'architecture' | 'requirement' | 'setup';
  readonly kind: WindowsKind | null;
  /** Its version. */
  readonly windows: string;
  /** Architecture of the packages. */
  readonly arch: string;
  /** The package; null for `architecture` and `setup`. */
  readonly package: string | null;
  readonly version: string | null;
  /** The lowest version of Windows that it runs on, for `requirement` with its operator; null for `architecture`; for
   *  `setup` the lowest version of the setup program. */
  readonly needs: string | null;
  /** Null if the current Cygwin runs on that Windows. */
  readonly last: LastCygwin | null;
  /** One line. */
  readonly message: string;
  /** What to do, one line. */
  readonly hint: string;
}

/** What is installed, and from which index. */
export interface Installation {
  /** Architecture of the packages. */
  readonly arch: string;
  readonly packages: readonly InstalledVersion[];
  /** `setup-minimum-version` of the index. */
  readonly setupMinimumVersion?: string | undefined;
}

/** Checks packages against the Windows to install them on: its architecture, the end of its support in the package
 *  `cygwin`, the setup program that runs there, and, where requirements are known, the criteria on `_windows`. Returns
 *  the first package or setting that this Windows does not support; undefined if it supports all. */
export function checkWindows(target: WindowsTarget, installation: Installation): WindowsFault | undefined {
  const { arch, packages, setupMinimumVersion } = installation;
  const fault = (
    reason: WindowsFault['reason'],
    message: string,
    facts: Partial<Pick<WindowsFault, 'package' | 'version' | 'needs'>> = {},
  ): WindowsFault => {
    const { kind = null, version: windows } = target;
    const last = lastCygwin(target, arch) ?? null;
    const hint = siteHint(target, arch);
    return {
      reason,
      kind,
      windows,
      arch,
      package: null,
      version: null,
      needs: null,
      ...facts,
      last,
      message,
      hint: hint === undefined ? 'use another Windows' : `${hint}; or use another Windows`,
    };
  };
  if (arch === 'x86_64' && !target.architectures.includes('amd64'))
    return fault('architecture', `packages for x86_64 do not run on ${target.name}`);
  for (const { name, version, depends = [] } of packages) {
    const named = { package: name, version };
    const needed = name === 'cygwin' ? neededBy(version) : undefined;
    if (needed !== undefined && isOlder(target.version, needed.needs)) {
      const why = `it requires ${needed.needsName}, or later`;
      const message = `\`${name} ${version}\` does not run on ${target.name}: ${why}`;
      return fault('version', message, { ...named, needs: needed.needs });
    }
    const unmet = depends.find((each) => isUnmet(each, target.version));
    if (unmet !== undefined) {
      const needs = `${unmet.op} ${unmet.version}`;
      const why = `it requires \`_windows (${needs})\``;
      const message = `\`${name} ${version}\` cannot be installed on ${target.name}: ${why}`;
      return fault('requirement', message, { ...named, needs });
    }
  }
  const setup = lastSetup(target);
  if (setup === undefined || setupMinimumVersion === undefined || !isOlder(setup, setupMinimumVersion))
    return undefined;
  const message = `the index requires setup ${setupMinimumVersion}, and the last for ${target.name} is ${setup}`;
  return fault('setup', message, { needs: setupMinimumVersion });
}

/** Returns what a version of the package `cygwin` needs; undefined for one that runs everywhere. Test versions count as
 *  the version that they lead to. */
function neededBy(version: string): Ceiling | undefined {
  const upstream = version.replace(/-[^-]*$/, '');
  return CEILINGS.find(({ from }) => !isOlder(upstream, from));
}

function isUnmet({ name, op, version }: Dependency, windows: string): boolean {
  return name === '_windows' && op !== undefined && version !== undefined && !versionMeets(windows, { op, version });
}

function isOlder(version: string, than: string): boolean {
  return compareVersions(version, than) < 0;
}

/** Says which options get the last Cygwin for a Windows, one line; undefined if the current one runs there.
 *  @param arch that of the request, if it is known */
export function siteHint(target: WindowsTarget, arch: string | undefined): string | undefined {
  const last = lastCygwin(target, arch);
  if (last === undefined) return undefined;
  const options = [
    ...(last.arch === arch ? [] : [`--arch ${last.arch}`]),
    `--site ${last.site}`,
    ...(last.isSigned ? [] : ['--unsigned']),
  ];
  return `the last Cygwin for ${target.name} is ${last.version}: use \`${options.join(' ')}\``;
}
