import { DOCTOR_HINT } from '../io/doctor-hint.ts';
import { ProgramError, startProgram } from '../io/program.ts';
import type { ProgramExit } from '../io/program.ts';
import { hasCode } from '../io/system-error.ts';
import { MediaError } from './base/media-error.ts';

/** A program of the system that writes images. */
export type Tool = 'xorriso' | 'mformat' | 'mcopy';

export interface ToolOptions {
  /** The current time as the tool sees it, in seconds since 1970. */
  readonly dateSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a tool to its end, without input and without the user's settings: UTC, no locale, no configuration files.
 *  Throws `no-tool`, `tool-failed` with the last lines of stderr, and the reason of the signal after the tool was
 *  killed. */
export async function runTool(
  tool: Tool,
  args: readonly string[],
  { dateSeconds, signal }: ToolOptions,
): Promise<void> {
  const environment = {
    PATH: process.env['PATH'],
    TZ: 'UTC',
    LC_ALL: 'C',
    SOURCE_DATE_EPOCH: `${dateSeconds}`,
    MTOOLSRC: '/dev/null',
  };
  const argv = [tool, ...args];
  try {
    await using program = await startProgram(argv, { signal, environment, isEnvironmentComplete: true });
    program.stdin.end();
    program.stdout.resume();
    const exit = await program.exited;
    signal?.throwIfAborted();
    if (exit.code !== 0) throw failed(argv, exit, program.stderrTail());
  } catch (error) {
    if (error instanceof ProgramError) throw notStarted(tool, argv, error);
    throw error;
  }
}

function notStarted(tool: Tool, argv: readonly string[], cause: ProgramError): MediaError {
  return hasCode(cause.cause, 'ENOENT')
    ? new MediaError('no-tool', `\`${tool}\` is not installed`, { hint: DOCTOR_HINT, details: { tool }, cause })
    : new MediaError('tool-failed', `cannot start \`${tool}\``, { details: { argv }, cause });
}

function failed(argv: readonly string[], exit: ProgramExit, stderrTail: readonly string[]): MediaError {
  const last = stderrTail.findLast((line) => /FAILURE|FATAL|SORRY|error/i.test(line)) ?? stderrTail.at(-1);
  const how = exit.code === null ? `was ended by ${exit.signal ?? 'the system'}` : `failed with exit code ${exit.code}`;
  return new MediaError('tool-failed', `\`${argv[0] ?? ''}\` ${how}${last === undefined ? '' : `: ${last.trim()}`}`, {
    details: { argv, exit: exit.code, signal: exit.signal, tail: stderrTail.join('\n') },
  });
}
