import { readFile, realpath } from 'node:fs/promises';
import { DOCTOR_HINT } from '../../io/doctor-hint.ts';
import { findProgram, ProgramError, runProgram } from '../../io/program.ts';
import { identityOf } from '../../io/file-identity.ts';
import { PROGRAMS } from '../../vm/base/host.ts';
import type { ToolName } from '../../vm/base/host.ts';
import { GuestError } from '../guest-error.ts';
import type { TreeEntry } from './cpio.ts';

const LDD_TIMEOUT_MS = 60_000;

/** Returns the path of a program of the host, under the first of its names that is found in PATH and in directories for
 *  administrators. Throws GuestError `tool` without one. */
export async function requireProgram(tool: ToolName): Promise<string> {
  for (const name of PROGRAMS[tool]) {
    const path = await findProgram(name);
    if (path !== undefined) return path;
  }
  throw new GuestError('tool', `\`${PROGRAMS[tool][0] ?? ''}\` is not installed`, { hint: DOCTOR_HINT });
}

/** Reads programs of the host with all shared libraries that they load at start, including the dynamic loader, each
 *  with its absolute path. Throws GuestError `tool` for a missing library, `io` if `ldd` fails. */
export async function programsWithLibraries(paths: readonly string[]): Promise<TreeEntry[]> {
  const found = await Promise.all(paths.map(librariesOf));
  const all = [...new Set([...paths, ...found.flat()])];
  return Promise.all(
    all.map(async (path): Promise<TreeEntry> => {
      const from = { path, identity: await identityOf(path) };
      return { kind: 'file', path: path.slice(1), content: await readFile(await realpath(path)), mode: 0o755, from };
    }),
  );
}

async function librariesOf(path: string): Promise<string[]> {
  try {
    const output = await runProgram(['ldd', path], { timeoutMs: LDD_TIMEOUT_MS, environment: { LC_ALL: 'C' } });
    return parseLdd(path, output.toString());
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    const isStatic = /not a dynamic executable|statically linked|Not a valid dynamic program/i;
    if (error.details.stderrTail.some((line) => isStatic.test(line))) return [];
    throw new GuestError('io', `\`ldd ${path}\` failed`, { hint: error.hint, cause: error });
  }
}

/** Parses the output of `ldd` of glibc or musl: absolute paths of libraries and loader. Throws GuestError `tool` for
 *  a line with `not found`. */
export function parseLdd(program: string, text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s+(\S+) => not found/.exec(line);
    if (match !== null)
      throw new GuestError('tool', `\`${program}\` requires the missing library \`${match[1] ?? ''}\``);
    const [, path] = /^\s+(?:\S+ => )?(\/\S+)(?: \(0x[0-9a-f]+\))?$/.exec(line) ?? [];
    return path === undefined ? [] : [path];
  });
}
