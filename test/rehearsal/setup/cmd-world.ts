/** What the commands of a script act on. */
export interface CmdWorld {
  /** Returns the content of a file by its path with a drive letter; undefined if there is none. */
  readonly read: (path: string) => string | undefined;
  /** Writes a file. Returns whether that was possible. */
  readonly write: (path: string, text: string, isAppended: boolean) => boolean;
  readonly remove: (path: string) => void;
  readonly makeDirectory: (path: string) => void;
  /** Returns the paths of the files in a directory and below it, and of the directories that were made. */
  readonly list: (directory: string) => readonly string[];
  readonly com1: (line: string) => void;
  /** Runs a program, by its name or path as the command line has it. Returns undefined for one that is not there. */
  readonly run: (program: string, args: readonly string[]) => ProgramResult | undefined;
}

/** How a program has ended, and what it has printed. */
export interface ProgramResult {
  readonly exitCode: number;
  readonly output?: string;
}
