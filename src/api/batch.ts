import { createReadStream } from 'node:fs';
import { CygstrapError } from '../errors.ts';
import type { ResolveRequest } from '../core/resolve/plan.ts';
import { answerRequest } from './answer.ts';
import type { Answer } from './answer.ts';
import { LONGEST_LINE_BYTES, readLines } from '../io/lines.ts';
import type { LoadedCatalog } from './load-catalog.ts';
import { parseRequest } from './request.ts';

/** The answer to one line of a batch. An invalid line gives a `usage` error with the line number. */
export type BatchAnswer = Answer | { readonly kind: 'failed'; readonly error: CygstrapError };

/** Resolves requests, one JSON object per line, in order, and yields each answer before it reads the next line. Blank
 *  lines give no answer. `defaults` supplies omitted fields. Stopping early closes `chunks`. */
export async function* answerBatch(
  loaded: LoadedCatalog,
  chunks: AsyncIterable<Uint8Array>,
  defaults: ResolveRequest,
): AsyncGenerator<BatchAnswer, void, undefined> {
  for await (const { number, text } of readLines(chunks)) {
    if (text === undefined) yield failed(number, `longer than ${LONGEST_LINE_BYTES} bytes`);
    else if (text.trim() !== '') yield answerLine(loaded, { number, text }, defaults);
  }
}

function answerLine(
  loaded: LoadedCatalog,
  line: { number: number; text: string },
  defaults: ResolveRequest,
): BatchAnswer {
  const parsed = parseRequest(line.text, defaults);
  if (parsed.kind === 'fault') return failed(line.number, parsed.message);
  try {
    return answerRequest(loaded, parsed.request);
  } catch (error) {
    if (error instanceof CygstrapError) return { kind: 'failed', error };
    throw error;
  }
}

function failed(line: number, message: string): BatchAnswer {
  return { kind: 'failed', error: new CygstrapError('usage', `line ${line}: ${message}`, { details: { line } }) };
}

/** Reads a file of requests. Throws `io` if it cannot be read. */
export async function* readBatch(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* createReadStream(path) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw new CygstrapError('io', `cannot read \`${path}\``, { cause });
  }
}
