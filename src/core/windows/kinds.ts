import { compareVersions } from '../version/compare.ts';

/** A version of Windows that can become a guest. */
interface KindFacts {
  /** For users. */
  readonly name: string;
  /** `MAJOR.MINOR.BUILD`, as setup sees it: the last service pack, and for Windows 11 and Server the first build. */
  readonly version: string;
  /** Of the editions that exist. */
  readonly architectures: readonly WindowsArchitecture[];
}

export type WindowsArchitecture = 'x86' | 'amd64';

const BOTH = ['x86', 'amd64'] as const;
const AMD64 = ['amd64'] as const;

/** All kinds, the oldest first. The 64-bit Windows XP has the version and the kernel of Server 2003. Source:
 *  Microsoft's release information. */
export const WINDOWS_KINDS = {
  'windows-xp': { name: 'Windows XP', version: '5.1.2600', architectures: ['x86'] },
  'windows-2003': { name: 'Windows Server 2003', version: '5.2.3790', architectures: BOTH },
  'windows-7': { name: 'Windows 7', version: '6.1.7601', architectures: BOTH },
  'windows-2008r2': { name: 'Windows Server 2008 R2', version: '6.1.7601', architectures: AMD64 },
  'windows-8.1': { name: 'Windows 8.1', version: '6.3.9600', architectures: BOTH },
  'windows-2012r2': { name: 'Windows Server 2012 R2', version: '6.3.9600', architectures: AMD64 },
  'windows-10': { name: 'Windows 10', version: '10.0.19045', architectures: BOTH },
  'windows-11': { name: 'Windows 11', version: '10.0.22000', architectures: AMD64 },
  'windows-2016': { name: 'Windows Server 2016', version: '10.0.14393', architectures: AMD64 },
  'windows-2019': { name: 'Windows Server 2019', version: '10.0.17763', architectures: AMD64 },
  'windows-2022': { name: 'Windows Server 2022', version: '10.0.20348', architectures: AMD64 },
  'windows-2025': { name: 'Windows Server 2025', version: '10.0.26100', architectures: AMD64 },
} as const satisfies Readonly<Record<string, KindFacts>>;

/** The kinds of Windows that can become guests. */
export type WindowsKind = keyof typeof WINDOWS_KINDS;

export const WINDOWS_KIND_NAMES = Object.keys(WINDOWS_KINDS) as readonly WindowsKind[];

/** Matches `MAJOR.MINOR.BUILD` or `MAJOR.MINOR`, as Windows numbers its versions. */
export const WINDOWS_VERSION = /^\d{1,5}\.\d{1,5}(\.\d{1,9})?$/;

/** Returns whether a text is the name of a kind of Windows. */
export function isWindowsKind(text: string): text is WindowsKind {
  return Object.hasOwn(WINDOWS_KINDS, text);
}

/** Returns the kind that a text names in another spelling, as `win10`, `Windows 7` or `server2022`; undefined for any
 *  other text. */
export function windowsMeant(text: string): WindowsKind | undefined {
  return WINDOWS_KIND_NAMES.find((kind) => bareName(kind) === bareName(text));
}

function bareName(text: string): string {
  return text.toLowerCase().replaceAll(/windows|win|server|[^a-z0-9.]/g, '');
}

/** Returns the version of a Windows that is named by its version or its kind; undefined for any other text. */
export function windowsVersion(text: string): string | undefined {
  if (isWindowsKind(text)) return WINDOWS_KINDS[text].version;
  return WINDOWS_VERSION.test(text) ? text : undefined;
}

/** A Windows to install on. */
export interface WindowsTarget {
  readonly kind: WindowsKind | undefined;
  /** For users. */
  readonly name: string;
  /** `MAJOR.MINOR.BUILD` or `MAJOR.MINOR`. */
  readonly version: string;
  readonly architectures: readonly WindowsArchitecture[];
}

/** Returns the Windows of a kind, or of a version.
 *  @param windows the name of a kind, `MAJOR.MINOR.BUILD` or `MAJOR.MINOR`
 *  @param architecture that of the medium of the installation, if it is known */
export function windowsTarget(windows: string, architecture?: WindowsArchitecture): WindowsTarget {
  const kind = isWindowsKind(windows) ? windows : undefined;
  const { name, version, architectures } =
    kind === undefined
      ? { name: nameOf(windows), version: windows, architectures: isOnly32Bit(windows) ? ['x86' as const] : BOTH }
      : WINDOWS_KINDS[kind];
  if (architecture === undefined) return { kind, name, version, architectures };
  return { kind, name: architecture === 'x86' ? `32-bit ${name}` : name, version, architectures: [architecture] };
}

/** Returns the names of the kinds that have a version; without one, the version. */
function nameOf(version: string): string {
  const names = Object.values(WINDOWS_KINDS).filter((kind) => kind.version === version);
  return names.length === 0 ? `Windows ${version}` : names.map(({ name }) => name).join(' or ');
}

/** Returns whether all editions of a version for PCs have 32 bits: the first with 64 is 5.2. */
function isOnly32Bit(version: string): boolean {
  return compareVersions(version, '5.2') < 0;
}
