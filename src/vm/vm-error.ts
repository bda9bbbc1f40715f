import { CygstrapError } from '../errors.ts';
import { ProgramError, startProgram } from '../io/program.ts';
import type { Program, StartOptions } from '../io/program.ts';

/** What is known of a child process that failed. */
export interface VmDetails {
  readonly argv?: readonly string[];
  /** Exit code, or null when a signal ended it. */
  readonly exit?: number | null;
  readonly signal?: string | null;
  /** The last lines it wrote to stderr. */
  readonly stderrTail?: readonly string[];
  /** A command line that can be pasted into a shell. */
  readonly command?: string;
  readonly consoleLog?: string;
}

/** Raised when a machine, its disk or its network cannot be had, or ends against our will. */
export class VmError extends CygstrapError {
  declare readonly details: VmDetails;

  constructor(
    message: string,
    options: { readonly hint?: string; readonly details?: VmDetails; readonly cause?: unknown } = {},
  ) {
    super('vm', message, { details: {}, ...options });
    this.name = 'VmError';
  }
}

/** Returns the VmError for a program that failed, with the same message and details; any other error unchanged. */
export function vmErrorOf(error: unknown): unknown {
  return error instanceof ProgramError
    ? new VmError(error.message, { details: error.details, cause: error.cause })
    : error;
}

/** Starts a program that is part of a machine, see `startProgram`. Throws VmError if it cannot be started. */
export async function startVmProgram(argv: readonly string[], options: StartOptions): Promise<Program> {
  try {
    return await startProgram(argv, options);
  } catch (error) {
    throw vmErrorOf(error);
  }
}
