import { CygstrapError } from '../../errors.ts';
import { ProgramError, startProgram } from '../../io/program.ts';
import type { Program, ProgramDetails, StartOptions } from '../../io/program.ts';

/** The state of a program that failed, and the path of the console log of its machine. */
export interface VmDetails extends Partial<ProgramDetails> {
  readonly consoleLog?: string;
}

/** Raised when a machine, its disk or its network cannot be created or ends unexpectedly. Code: `vm`. */
export class VmError extends CygstrapError {
  declare readonly details: VmDetails;

  constructor(
    message: string,
    options: { readonly hint?: string | undefined; readonly details?: VmDetails; readonly cause?: unknown } = {},
  ) {
    super('vm', message, { details: {}, ...options });
    this.name = 'VmError';
  }
}

/** Returns the VmError for a program that failed, with the same message and details; any other error unchanged. */
export function vmErrorOf(error: unknown): unknown {
  return error instanceof ProgramError
    ? new VmError(error.message, { details: error.details, hint: error.hint, cause: error.cause })
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
