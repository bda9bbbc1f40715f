import { readFile, realpath } from 'node:fs/promises';
import { findProgram, ProgramError, runProgram } from '../../io/program.ts';
import { identityOf } from '../../io/file-identity.ts';
import { GuestError } from '../guest-error.ts';
import type { TreeEntry } from './cpio.ts';

const LDD_TIMEOUT_MS = 60_000;

/** A program a guest needs: its name or several places where it may be, and the Debian package that has it, for the hint. */
export interface ProgramRequirement {
  /** A name to look for in PATH and the system's directories, or an absolute path. The first that is there is taken. */
  readonly anyOf: readonly string[];
  readonly debianPackage: string;
}

/** Finds a program of the host, or says which package has it: throws GuestError `tool`. */
export async function requireProgram({ anyOf, debianPackage }: ProgramRequirement): Promise<string> {
  for (const name of anyOf) {
    const path = await findProgram(name);
    if (path !== undefined) return path;
  }
  throw new GuestError('tool', `\`${anyOf[0] ?? ''}\` is not on this host`, {
    hint: `install \`${debianPackage}\` (its name on Debian)`,
  });
}

/** Reads programs of the host and all shared libraries they load at start, each under its own absolute path, the dynamic loader
 *  included: they run in a guest as they run here. Throws GuestError `tool` when a library is missing, `io` when `ldd` fails. */
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
    throw new GuestError('io', `\`ldd ${path}\` failed`, { cause: error });
  }
}

/** Reads what `ldd` of glibc or musl prints: absolute paths of libraries and loader. Throws GuestError `tool` for a line that
 *  says `not found`. */
export function parseLdd(program: string, text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s+(\S+) => not found/.exec(line);
    if (match !== null)
      throw new GuestError('tool', `\`${program}\` needs \`${match[1] ?? ''}\`, which is not on this host`);
    const [, path] = /^\s+(?:\S+ => )?(\/\S+)(?: \(0x[0-9a-f]+\))?$/.exec(line) ?? [];
    return path === undefined ? [] : [path];
  });
}
