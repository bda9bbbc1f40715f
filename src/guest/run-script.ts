import { quoteWord } from '../io/quoting.ts';

/** Names of the files of one run, in its own directory in the share `xchg`. */
export const RUN_FILES = {
  /** What ssh starts. */
  script: 'run.sh',
  /** The caller's environment, as shell text. */
  environment: 'saved-env',
  /** Written last, whole: how the command ended. */
  exit: 'exit',
} as const;

export interface RunScript {
  /** The run's directory as the guest sees it. */
  readonly directory: string;
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Where the guest's command starts; by default in the run's directory. */
  readonly workingDirectory?: string | undefined;
}

/** How a command in a guest ended. */
export type RunEnd =
  | { readonly kind: 'exit'; readonly code: number }
  /** The command was not even started. */
  | { readonly kind: 'failed'; readonly text: string };

/** Writes the program that runs a command in a guest (POSIX shell, also Cygwin's): sources the saved environment, changes directory,
 *  runs the command with nothing to read, its output going where the program's goes, and last writes the file `exit`, under another
 *  name first: what is there is whole. A command ended by signal N has the code 128 + N. The program ends with the same code. */
export function runScript({ directory, argv, workingDirectory = directory }: RunScript): string {
  return `#!/bin/sh
cygstrap_run=${quoteWord(directory)}
cygstrap_end() {
  printf '%s\\n' "$1" >"$cygstrap_run/${RUN_FILES.exit}.part" && mv -f "$cygstrap_run/${RUN_FILES.exit}.part" "$cygstrap_run/${RUN_FILES.exit}"
}
cd ${quoteWord(workingDirectory)} || { cygstrap_end ${quoteWord(`failed no directory ${oneLine(workingDirectory)}`)}; exit 125; }
(
  if [ -f "$cygstrap_run/${RUN_FILES.environment}" ]; then . "$cygstrap_run/${RUN_FILES.environment}"; fi
  unset cygstrap_run
  exec ${argv.map(quoteWord).join(' ')}
) </dev/null
cygstrap_code=$?
cygstrap_end "$cygstrap_code" || exit 125
exit "$cygstrap_code"
`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

/** Reads the file `exit`; undefined when it is not one. */
export function parseRunEnd(text: string): RunEnd | undefined {
  const code = /^(\d{1,3})\r?\n$/.exec(text)?.[1];
  if (code !== undefined) return { kind: 'exit', code: Number(code) };
  const why = /^failed (.*?)\r?\n$/.exec(text)?.[1];
  return why === undefined ? undefined : { kind: 'failed', text: why };
}

const VARIABLE = /^[A-Za-z_]\w*$/;

/** Variables as text for a shell to source, by name. What no shell can have as a variable (`BASH_FUNC_x%%`) is left out. Throws
 *  TypeError for NUL in a value. */
export function savedEnvironment(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .filter(([name]) => VARIABLE.test(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `export ${name}=${quoteWord(value)}\n`)
    .join('');
}
