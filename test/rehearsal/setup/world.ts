import type { Computer, DiskPlan, Drive, SetupMedium } from '../answers.ts';
import type { WinntMedium } from '../winnt.ts';
import type { ProgramResult } from './cmd-world.ts';

/** What a rehearsal does otherwise than a plain installation. */
export type Variant =
  | 'plain'
  | 'restarts-4'
  | 'reset-loop'
  | 'reset-before-setup'
  | 'hang-windowspe'
  | 'hang-specialize'
  | 'hang-logon'
  | 'no-logon'
  | 'question'
  | 'no-com1-in-winpe'
  | 'power-off-without-verdict'
  | 'failed-script'
  | 'netsh-fails'
  | 'package-missing'
  | 'in-use, password-not-stored'
  | 'other-host-key'
  | 'wrong-nonce';

/** `rehearsal/images.json` on the medium of Windows. */
export type Medium = SetupMedium | WinntMedium;

/** How a program has ended, and the texts of the files that it has written by path, such as `C:\cygstrap\x`. */
export interface OwnResult extends ProgramResult {
  readonly files?: Readonly<Record<string, string>>;
}

/** Plays a program that is not one of Windows, such as `E:\setup-x86_64.exe`, or bash in `C:\cygwin64\bin`.
 *  The arguments have their quotation marks. `read` returns the text of a file; undefined if there is none. Returns
 *  undefined for a program that does not exist. */
export type OwnProgram = (
  path: string,
  args: readonly string[],
  read: (path: string) => string | undefined,
) => OwnResult | undefined;

/** The computer that the counterfeit Setup runs on. */
export interface World {
  /** What the firmware started: the medium of Windows, or what Setup has written to the disk. */
  readonly from: 'cd' | 'disk';
  readonly variant: Variant;
  readonly medium: Medium;
  readonly drives: readonly Drive[];
  /** Reads a file of a drive; the path is one of its `files`. */
  readonly read: (drive: Drive, file: string) => Uint8Array;
  readonly computer: Computer & { readonly hasTpm: boolean; readonly memoryMB: number };
  readonly program: OwnProgram;
  /** Writes a line to the screen. */
  readonly screen: (line: string) => void;
  readonly com1: (line: string) => void;
  /** Partitions the disk, formats it, and writes what the firmware starts from now on. */
  readonly prepareDisk: (plan: DiskPlan) => void;
  /** Writes files to the partition of Windows. */
  readonly writeFiles: (partition: number, files: ReadonlyMap<string, Uint8Array>) => void;
  readonly readState: () => string | undefined;
  /** Keeps a text on the disk. */
  readonly writeState: (text: string) => void;
}

/** How a start of the computer ends. With `wait` the screen stays as it is. */
export type StartEnd = 'restart' | 'power-off' | 'wait';
