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
  },
  {
    from: '1.7.19',
    needs: '5.1',
    needsName: 'Windows XP',
    last: { x86: dated('1.7.18', 'x86', '2013/06/04/121035', false) },
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
   *  `requirement`: a package requires another version with `_windows`. */
  readonly reason: 'version' | 'architecture' | 'requirement';
  readonly kind: WindowsKind | null;
  /** Its version. */
  readonly windows: string;
  /** Architecture of the packages. */
  readonly arch: string;
  /** The package, null for `architecture`. */
  readonly package: string | null;
  readonly version: string | null;
  /** The lowest version of Windows that it runs on, for `requirement` with its operator; null for `architecture`. */
  readonly needs: string | null;
  /** Null if the current Cygwin runs on that Windows. */
  readonly last: LastCygwin | null;
  /** One line. */
  readonly message: string;
  /** What to do, one line. */
  readonly hint: string;
}

/** Checks packages against the Windows to install them on: its architecture, the end of its support in the package
 *  `cygwin`, and, where requirements are known, the criteria on `_windows`. Returns the first reason why they cannot
 *  run there; undefined if there is none. */
export function checkWindows(
  target: WindowsTarget,
  { arch, packages }: { readonly arch: string; readonly packages: readonly InstalledVersion[] },
): WindowsFault | undefined {
  const fault = (facts: Pick<WindowsFault, 'reason' | 'package' | 'version' | 'needs'>, message: string) => {
    const last = lastCygwin(target, arch);
    const { kind = null, version: windows } = target;
    return { ...facts, kind, windows, arch, last: last ?? null, message, hint: hintOf(last, arch) };
  };
  if (arch === 'x86_64' && !target.architectures.includes('amd64')) {
    const facts = { reason: 'architecture', package: null, version: null, needs: null } as const;
    return fault(facts, `packages for x86_64 do not run on ${target.name}: it is a 32-bit Windows`);
  }
  for (const { name, version, depends = [] } of packages) {
    const needed = name === 'cygwin' ? neededBy(version) : undefined;
    if (needed !== undefined && isOlder(target.version, needed.needs)) {
      return fault(
        { reason: 'version', package: name, version, needs: needed.needs },
        `\`${name} ${version}\` does not run on ${target.name}: it requires ${needed.needsName}, or later`,
      );
    }
    for (const { name: required, op, version: bound } of depends) {
      if (required !== '_windows' || op === undefined || bound === undefined) continue;
      if (versionMeets(target.version, { op, version: bound })) continue;
      return fault(
        { reason: 'requirement', package: name, version, needs: `${op} ${bound}` },
        `\`${name} ${version}\` cannot be installed on ${target.name}: it requires \`_windows (${op} ${bound})\``,
      );
    }
  }
  return undefined;
}

/** Returns what a version of the package `cygwin` needs; undefined for one that runs everywhere. Test versions count as
 *  the version that they lead to. */
function neededBy(version: string): Ceiling | undefined {
  const upstream = version.replace(/-[^-]*$/, '');
  return CEILINGS.find(({ from }) => !isOlder(upstream, from));
}

function isOlder(version: string, than: string): boolean {
  return compareVersions(version, than) < 0;
}

function hintOf(last: LastCygwin | undefined, arch: string | undefined): string {
  return last === undefined ? 'use another Windows' : `${siteHint(last, arch)}; or use another Windows`;
}

/** Says how to get the last Cygwin for a Windows, one line.
 *  @param arch that of the request, if it is known */
export function siteHint({ version, site, isSigned, arch: needed }: LastCygwin, arch: string | undefined): string {
  const options = [
    ...(needed === arch ? [] : [`--arch ${needed}`]),
    `--site ${site}`,
    ...(isSigned ? [] : ['--unsigned']),
  ];
  return `the last Cygwin for it is ${version}: use \`${options.join(' ')}\``;
}
