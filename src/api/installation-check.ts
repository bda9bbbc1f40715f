import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix, win32 } from 'node:path';
import type { Lock } from '../core/lock/lock.ts';
import { parseMarker } from '../guest/console-markers.ts';
import { VERIFY_SCRIPT, verifyFiles } from '../guest/cygwin/verify.ts';
import { runProgram } from '../io/program.ts';
import { ioError } from '../io/system-error.ts';
import { reportOf } from '../stages/install-report.ts';

/** The check reads the list of files of every package; on a slow disk of Windows that takes minutes. */
const LONGEST_CHECK_MS = 30 * 60_000;

export interface InstallationToCheck {
  /** Directory of the installation, absolute. */
  readonly root: string;
  readonly packages: Lock['packages'];
  /** Packages whose postinstall scripts may fail. */
  readonly postinstallFailures: readonly string[];
}

/** Compares an installation of Cygwin with the packages of a lock: `installed.db`, the log of setup, postinstall
 *  scripts, and files. On Windows the bash of the installation runs the check, elsewhere the bash of this computer.
 *  It runs `cygcheck` of
 *  the installation, and changes nothing in it. Throws `tool` if the check cannot run, and `io`.
 *  @returns the report, and the reasons why not everything was compared */
export async function checkInstallation(
  { root, packages, postinstallFailures }: InstallationToCheck,
  { signal }: { readonly signal: AbortSignal | undefined },
): Promise<ReturnType<typeof reportOf>> {
  const expected = { packages: packages.length, postinstallFailures };
  const shell = shellOf(root, process.platform);
  if (process.platform === 'win32' && !existsSync(shell.program)) {
    const finding = { kind: 'check', subject: 'bash.exe', text: `${shell.program} does not exist` } as const;
    return reportOf([{ kind: 'finding', finding }], expected);
  }
  const work = await mkdtemp(join(tmpdir(), 'cygstrap-check-'));
  try {
    const medium = join(work, 'medium');
    await mkdir(medium);
    for (const [name, text] of verifyFiles(packages)) await writeFile(join(medium, name), text);
    const output = join(work, 'output');
    const words = [join(medium, VERIFY_SCRIPT), medium, output].map((path) => shell.pathOf(path));
    await runProgram([shell.program, ...words, shell.root], {
      environment: shell.environment,
      timeoutMs: LONGEST_CHECK_MS,
      signal,
    });
    const lines = (await readFile(output, 'utf8')).split('\n');
    return reportOf(
      lines.flatMap((line) => parseMarker(line) ?? []),
      expected,
    );
  } catch (error) {
    throw ioError(error, 'compare the installation in', work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** How the script of the check is run. */
interface Shell {
  readonly program: string;
  /** The root of the installation as the script sees it. */
  readonly root: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Returns a path as the shell reads it. */
  readonly pathOf: (path: string) => string;
}

/** Bash would run the file that this variable of the user names. */
const NO_START_FILE = { BASH_ENV: '' };

/** Returns the shell for an installation. That of Cygwin finds only programs of its own installation, and reads paths
 *  of Windows with slashes. Pure. */
export function shellOf(root: string, platform: NodeJS.Platform): Shell {
  if (platform !== 'win32') return { program: 'bash', root, environment: NO_START_FILE, pathOf: (path) => path };
  const programs = win32.join(root, 'bin');
  return {
    program: win32.join(programs, 'bash.exe'),
    root: '',
    environment: { ...NO_START_FILE, PATH: programs },
    pathOf: (path) => path.replaceAll(win32.sep, posix.sep),
  };
}
