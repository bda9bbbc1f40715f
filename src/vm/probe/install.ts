import { exitText, findProgram, startProgram } from '../../io/program.ts';
import { VmError } from '../base/vm-error.ts';
import type { InstallCommand } from './needs.ts';

export interface InstallOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Receives the output of the package manager. */
  readonly onOutput: (text: string) => void;
}

/** Runs the package manager of a distribution. It is not interrupted, because a partial installation is worse.
 *  Throws VmError if it is missing or fails. */
export async function installPackages(
  { family, argv }: InstallCommand,
  { environment, onOutput }: InstallOptions,
): Promise<void> {
  const [name = '', ...words] = argv;
  const program = await findProgram(name, environment);
  if (program === undefined) throw new VmError(`package manager not found: \`${name}\``);
  // The list of packages can be empty on a new system.
  const before = family === 'debian' ? [[program, 'update']] : [];
  for (const line of [...before, [program, ...words]]) {
    await using child = await startProgram(line, {
      environment: { DEBIAN_FRONTEND: 'noninteractive' },
      hasDeathSignal: false,
    });
    child.stdin.end();
    child.stdout.on('data', (chunk: Buffer) => onOutput(chunk.toString()));
    const exit = await child.exited;
    if (exit.code !== 0)
      throw new VmError(`\`${line.join(' ')}\` failed (${exitText(exit)})`, { details: child.details(exit) });
  }
}
