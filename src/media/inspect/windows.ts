import type { WindowsKind } from '../../core/windows/kinds.ts';
import type { Boot } from './iso9660.ts';
import type { WimImage, WimWindows } from './wim.ts';

/** An edition that a medium can install. */
export interface Edition {
  /** Number of the image in the WIM, from 1; for Windows XP and 2003 always 1. */
  readonly index: number;
  readonly name: string;
  /** Such as `ServerStandardEval`; empty for Windows XP and 2003. */
  readonly editionId: string;
  readonly arch: 'x86' | 'amd64' | 'arm' | 'arm64' | 'ia64' | 'unknown';
  /** Such as `10.0.20348.587`. */
  readonly version: string;
  readonly languages: readonly string[];
  /** `core`: a server without desktop. */
  readonly installationType: 'core' | 'desktop';
  readonly isServer: boolean;
  readonly isEvaluation: boolean;
  /** Undefined for a Windows that no guest kind supports. */
  readonly kind: WindowsKind | undefined;
}

/** A Windows installation medium. */
export interface WindowsMedium {
  readonly path: string;
  readonly sizeBytes: number;
  /** File system from which it was read, for users: `UDF 1.02`. */
  readonly format: string;
  readonly label: string;
  readonly boot: Boot;
  /** The file or files with the editions, relative to the medium: one, or the parts of a split WIM. */
  readonly sources: readonly string[];
  /** Language of Setup itself; null if the medium does not say. */
  readonly setupLanguage: string | null;
  readonly editions: readonly Edition[];
  /** Answer files on the medium, which Setup can prefer to ours: paths, or as in `autounattend.xml in image 2 of
   *  sources/boot.wim`. */
  readonly answerFiles: readonly string[];
  /** Files that could not be searched for answer files. */
  readonly unchecked: readonly UncheckedFile[];
}

export interface UncheckedFile {
  readonly path: string;
  /** For users. */
  readonly reason: string;
}

/** Returns the edition of an image of a WIM; undefined for one without Windows. */
export function editionOf({ index, name, flags, windows }: WimImage): Edition | undefined {
  if (windows === undefined || windows.installationType === 'WindowsPE') return undefined;
  const { arch, editionId, installationType, productType, languages, version } = windows;
  const isServer = installationType.startsWith('Server') || /^(ServerNT|LanmanNT)$/i.test(productType);
  return {
    index,
    name,
    editionId,
    arch,
    version: version.join('.'),
    languages,
    installationType: /core$/i.test(installationType) ? 'core' : 'desktop',
    isServer,
    isEvaluation: /eval/i.test(`${editionId} ${flags} ${name}`),
    kind: kindOf(version, isServer),
  };
}

/** First builds of the Windows 10 family, the latest first. Source: Microsoft's release information. */
const CLIENT_BUILDS = [
  [22000, 'windows-11'],
  [10240, 'windows-10'],
] as const;
const SERVER_BUILDS = [
  [26100, 'windows-2025'],
  [20348, 'windows-2022'],
  [17763, 'windows-2019'],
  [14393, 'windows-2016'],
] as const;

/** Returns the guest kind of a version of Windows. */
export function kindOf(version: WimWindows['version'], isServer: boolean): WindowsKind | undefined {
  const [major, minor, build] = version;
  if (major === 10) return (isServer ? SERVER_BUILDS : CLIENT_BUILDS).find(([first]) => build >= first)?.[1];
  if (major === 6 && minor === 1) return isServer ? 'windows-2008r2' : 'windows-7';
  if (major === 6 && minor === 3) return isServer ? 'windows-2012r2' : 'windows-8.1';
  if (major === 5 && minor === 1) return 'windows-xp';
  return major === 5 && minor === 2 ? 'windows-2003' : undefined;
}
