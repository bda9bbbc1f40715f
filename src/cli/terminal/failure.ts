import { inspect } from 'node:util';
import { CygstrapError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
// Not on demand: with too many open files, no module can be loaded any more.
import { failureText } from '../../report/failure.ts';
import { failureJson } from '../../report/json.ts';
import type { Output } from './output.ts';
import { resourceError } from './resource.ts';

export const EXIT_DONE = 0;
export const EXIT_NO = 1;
export const EXIT_USAGE = 2;
export const EXIT_WORLD = 3;
export const EXIT_BUG = 4;
/** A machine or cygstrap itself failed while a command ran in a guest. Exit codes of guest commands from here on are
 *  not passed on. */
export const EXIT_MACHINE = 126;
export const EXIT_INTERRUPTED = 130;

const EXIT_CODES: Record<ErrorCode, number> = {
  usage: EXIT_USAGE,
  parse: EXIT_NO,
  limit: EXIT_NO,
  corrupt: EXIT_NO,
  unsolvable: EXIT_NO,
  'not-found': EXIT_WORLD,
  io: EXIT_WORLD,
  fetch: EXIT_WORLD,
  verify: EXIT_NO,
  signature: EXIT_NO,
  'older-index': EXIT_NO,
  repo: EXIT_NO,
  lock: EXIT_NO,
  windows: EXIT_NO,
  vm: EXIT_WORLD,
  media: EXIT_NO,
  tool: EXIT_WORLD,
  guest: EXIT_WORLD,
  resource: EXIT_WORLD,
  interrupted: EXIT_INTERRUPTED,
};

/** A wrong command line. Without a hint it gets one that names the help of the command. */
export class UsageError extends CygstrapError {
  constructor(message: string, hint?: string) {
    super('usage', message, hint === undefined ? {} : { hint });
    this.name = 'UsageError';
  }
}

/** Reports a failure, as text on stderr or as JSON on stdout, and returns the exit code. A CygstrapError prints its
 *  message, causes and hint. So does an error because of exhausted memory, files or processes, also where an answer is
 *  "no" because of it. Any other error is a bug and prints its stack. */
export async function reportFailure(failure: unknown, output: Output, format: 'text' | 'json'): Promise<number> {
  const error = withResource(failure);
  if (!(error instanceof CygstrapError)) {
    output.note('error', error instanceof Error ? (error.stack ?? error.message) : String(error));
    output.note('hint', 'this is a bug in cygstrap');
    return EXIT_BUG;
  }
  if (format === 'json') {
    await output.json(failureJson(error), 'line');
  } else {
    const { messages, hint } = failureText(error);
    for (const message of messages) output.note('error', message);
    for (const cause of causesOf(error)) output.plain(`  Caused by: ${cause}`);
    if (hint !== undefined) output.note('hint', hint);
  }
  return EXIT_CODES[error.code];
}

/** Replaces an error because of exhausted resources. One that has an exit code for failures of the world only gets the
 *  hint, if it has none. */
function withResource(failure: unknown): unknown {
  const resource = resourceError(failure);
  if (resource?.hint === undefined) return failure;
  if (!(failure instanceof CygstrapError) || EXIT_CODES[failure.code] !== EXIT_WORLD) return resource;
  const { code, message, hint, details, cause } = failure;
  return hint === undefined ? new CygstrapError(code, message, { hint: resource.hint, details, cause }) : failure;
}

/** Returns the messages of the causes of an error, outermost first; at most ten. */
function causesOf(error: Error): string[] {
  const messages: string[] = [];
  for (let cause = error.cause; cause !== undefined && messages.length < 10;) {
    messages.push(cause instanceof Error ? cause.message : inspect(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return messages;
}
