import { exitText, findProgram, startProgram } from '../../io/program.ts';
import { VmError } from '../vm-error.ts';
import type { Mend } from './needs.ts';

export interface InstallOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Takes what the package manager says, as it says it. */
  readonly onOutput: (text: string) => void;
}

/** Runs a system's package manager. It is left to end by itself, whatever happens to us: half an installation helps nobody. Throws
 *  VmError when it is not there or fails. */
export async function installPackages(
  { family, argv }: Mend,
  { environment, onOutput }: InstallOptions,
): Promise<void> {
  const [name = '', ...words] = argv;
  const program = await findProgram(name, environment);
  if (program === undefined) throw new VmError(`\`${name}\` is not there to install with`);
  // A fresh system has no list of packages yet.
  const before = family === 'debian' ? [[program, 'update']] : [];
  for (const line of [...before, [program, ...words]]) {
    await using child = await startProgram(line, {
      setpriv: undefined,
      environment: { DEBIAN_FRONTEND: 'noninteractive' },
    });
    child.stdin.end();
    child.stdout.on('data', (chunk: Buffer) => onOutput(chunk.toString()));
    const exit = await child.exited;
    if (exit.code !== 0)
      throw new VmError(`\`${line.join(' ')}\` failed (${exitText(exit)})`, { details: child.details(exit) });
  }
}
