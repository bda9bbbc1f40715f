import type { FirmwareKind } from '../../vm/base/spec.ts';
import type { WindowsKind } from '../../core/windows/kinds.ts';

/** The user that an installation creates; ssh and the shares use it. */
export const WINDOWS_USER = 'cygstrap';

/** Kinds whose Setup reads `winnt.sif` from a floppy. */
export type LegacyKind = 'windows-xp' | 'windows-2003';

/** Returns whether Setup of a kind reads `winnt.sif` from a floppy, and not `autounattend.xml`. */
export function isLegacyKind(kind: WindowsKind): kind is LegacyKind {
  return kind === 'windows-xp' || kind === 'windows-2003';
}

/** Mark of the answer medium: its scripts are found by this file, whatever letter its drive has. */
export const MARKER_FILE = 'cygstrap.id';

/** The one script that the answer file calls; its argument is the phase. */
export const SCRIPT_FILE = 'cygstrap.cmd';

/** Returns the directory of the answer medium with the files for Cygwin, with a slash at its end. A floppy has no
 *  directories. */
export function cygwinPrefix(kind: WindowsKind): string {
  return isLegacyKind(kind) ? '' : 'cygwin/';
}

/** Log of the script with the output of the user's commands, on the system disk. */
export const SCRIPT_LOG = 'cygstrap/cygstrap.log';

/** Phases of an installation in which the script is called. */
export type ScriptPhase = 'windowspe' | 'specialize' | 'logon';

/** What the answers of one installation depend on. */
export interface WindowsAnswers {
  readonly kind: WindowsKind;
  readonly arch: 'x86' | 'amd64';
  readonly firmware: FirmwareKind;
  /** Number of the edition in the WIM of the medium. */
  readonly edition: number;
  /** Language of Setup on the medium, such as `en-US`. For any other language Setup shows a dialog. */
  readonly uiLanguage: string;
  /** Formats and keyboard, such as `de-DE`. */
  readonly locale: string;
  /** Name of a time zone of Windows, such as `W. Europe Standard Time`. */
  readonly timeZone: string;
  /** At most 15 letters, digits and hyphens. */
  readonly computerName: string;
  /** Of the user and of the administrator; made for one installation. */
  readonly password: string;
  /** The user's own product key, if one was given. */
  readonly productKey?: string | undefined;
}

/** Returns a command that runs the script of the answer medium: it looks for the medium on every drive. Shorter than
 *  256 characters, which is all that Setup accepts. */
export function scriptCall(phase: ScriptPhase): string {
  const find = `for %d in (C D E F G H I J K L M N O P Q R S T U V W Y Z) do if exist %d:\\${MARKER_FILE}`;
  return `cmd.exe /c "${find} call %d:\\${SCRIPT_FILE} ${phase}"`;
}
