import { quoteWord } from '../io/quoting.ts';

/** Names of the files of one run, in the directory of the run in the share `xchg`. */
export const RUN_FILES = {
  /** The script that ssh starts. */
  script: 'run.sh',
  /** The environment of the command, as shell text. */
  environment: 'saved-env',
  /** How the command ended; written last, by a rename. */
  exit: 'exit',
} as const;

export interface RunScript {
  /** Path of the directory of the run in the guest. */
  readonly directory: string;
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Working directory of the command; by default the directory of the run. */
  readonly workingDirectory?: string | undefined;
}

/** How a command in a guest ended. */
export type RunEnd =
  | { readonly kind: 'exit'; readonly code: number }
  /** The command was not started. */
  | { readonly kind: 'failed'; readonly text: string };

/** Returns the script that runs a command in a guest, for POSIX shells such as that of Cygwin. It changes the
 *  directory, sources the saved environment, runs the command with an empty stdin, and last writes the file `exit`
 *  by a rename. If signal N ended the command, the exit code is 128 + N. The script ends with the same code. */
export function runScript({ directory, argv, workingDirectory = directory }: RunScript): string {
  return `#!/bin/sh
cygstrap_run=${quoteWord(directory)}
cygstrap_end() {
  printf '%s\\n' "$1" >"$cygstrap_run/${RUN_FILES.exit}.part" &&
    mv -f "$cygstrap_run/${RUN_FILES.exit}.part" "$cygstrap_run/${RUN_FILES.exit}"
}
cd ${quoteWord(workingDirectory)} || {
  cygstrap_end ${quoteWord(`failed no such directory: ${oneLine(workingDirectory)}`)}
  exit 125
}
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

/** Parses the file `exit`. Returns undefined for any other content. */
export function parseRunEnd(text: string): RunEnd | undefined {
  const code = /^(\d{1,3})\r?\n$/.exec(text)?.[1];
  if (code !== undefined) return { kind: 'exit', code: Number(code) };
  const why = /^failed (.*?)\r?\n$/.exec(text)?.[1];
  return why === undefined ? undefined : { kind: 'failed', text: why };
}

const VARIABLE = /^[A-Za-z_]\w*$/;

/** Divides variables: those that a run sets, and the names, sorted, of those that the guest keeps. Pure.
 *  @param own names in capital letters; the case of names does not matter */
export function withoutOwn(
  variables: Readonly<Record<string, string>>,
  own: ReadonlySet<string>,
): { readonly set: Record<string, string>; readonly kept: readonly string[] } {
  const isOwn = (name: string): boolean => own.has(name.toUpperCase());
  return {
    set: Object.fromEntries(Object.entries(variables).filter(([name]) => !isOwn(name))),
    kept: Object.keys(variables).filter(isOwn).toSorted(),
  };
}

/** Returns variables as shell text, sorted by name. Names that are invalid in a shell (`BASH_FUNC_x%%`) are left
 *  out. Throws TypeError for a NUL in a value. */
export function savedEnvironment(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .filter(([name]) => VARIABLE.test(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `export ${name}=${quoteWord(value)}\n`)
    .join('');
}
