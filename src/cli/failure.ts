import { inspect } from 'node:util';
import { CygstrapError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { printable } from '../report/text.ts';
import type { Output } from './output.ts';

export const EXIT_DONE = 0;
export const EXIT_NO = 1;
export const EXIT_USAGE = 2;
export const EXIT_WORLD = 3;
export const EXIT_BUG = 4;
/** A machine or cygstrap itself failed while a command ran in a guest. Exit codes of guest commands from here on are not passed on. */
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
  repo: EXIT_NO,
  lock: EXIT_NO,
  vm: EXIT_WORLD,
  media: EXIT_NO,
  tool: EXIT_WORLD,
  guest: EXIT_WORLD,
  interrupted: EXIT_INTERRUPTED,
};

/** Raised for a command line that makes no sense. Without a hint of its own it gets one that points to the help. */
export class UsageError extends CygstrapError {
  constructor(message: string, hint?: string) {
    super('usage', message, hint === undefined ? {} : { hint });
    this.name = 'UsageError';
  }
}

/** Tells of a failure, as text on stderr or as JSON on stdout, and returns the exit code. A known error gives its
 *  message, causes and hint; anything else is a bug of ours and gives its stack. */
export async function reportFailure(error: unknown, output: Output, format: 'text' | 'json'): Promise<number> {
  if (!(error instanceof CygstrapError)) {
    output.note('error', printable(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    output.note('hint', 'this is a bug in cygstrap');
    return EXIT_BUG;
  }
  if (format === 'json') {
    const { failureJson } = await import('../report/json.ts');
    await output.json(failureJson(error), 'line');
  } else {
    const { messages, hint } = await tellingOf(error);
    for (const message of messages) output.note('error', printable(message));
    for (const cause of causesOf(error)) output.plain(`  Caused by: ${printable(cause)}`);
    if (hint !== undefined) output.note('hint', printable(hint));
  }
  return EXIT_CODES[error.code];
}

/** What to say: the error's own message and hint, or every error of an index that setup refuses. */
async function tellingOf(error: CygstrapError): Promise<{ messages: string[]; hint: string | undefined }> {
  const own = { messages: [error.message], hint: error.hint };
  if (error.code !== 'parse') return own;
  const { ParseError } = await import('../core/setup-ini/diagnostics.ts');
  if (!(error instanceof ParseError)) return own;
  const errors = error.diagnostics.filter(({ severity }) => severity === 'error');
  return {
    messages: errors.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
    hint: 'setup refuses this index as well; `--lenient` leaves out what is wrong',
  };
}

/** Messages of what lies below an error, outermost first; at most ten. */
function causesOf(error: Error): string[] {
  const messages: string[] = [];
  for (let cause = error.cause; cause !== undefined && messages.length < 10;) {
    messages.push(cause instanceof Error ? cause.message : inspect(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return messages;
}
