import { createReadStream } from 'node:fs';
import { CygstrapError } from '../errors.ts';
import type { ResolveRequest } from '../core/resolve/plan.ts';
import { resolveRequest } from './answer.ts';
import type { Answer, ResolveContext } from './answer.ts';
import { untilAborted } from '../io/abort.ts';
import { readLines } from '../io/lines.ts';
import type { LoadedCatalog } from './load-catalog.ts';
import { parseRequest } from './request.ts';
import { requestOf } from './request-fields.ts';
import type { RequestFields } from './request-fields.ts';

/** The answer to one line of a batch. An invalid line gives a `usage` error with the line number. */
export type BatchAnswer = Answer | { readonly kind: 'failed'; readonly error: CygstrapError };

/** Resolves requests, one JSON object per line, in order, and yields each answer before it reads the next line. Blank
 *  lines give no answer. `defaults` supplies omitted fields. Stopping early closes `chunks`. Throws the reason of the
 *  signal once that is aborted. */
export async function* resolveBatch(
  loaded: LoadedCatalog,
  chunks: AsyncIterable<Uint8Array>,
  defaults: RequestFields = {},
  context: Omit<ResolveContext, 'report'> = {},
): AsyncGenerator<BatchAnswer, void, undefined> {
  for await (const { number, text, fault } of readLines(untilAborted(chunks, context.signal))) {
    if (text === undefined || fault !== undefined) yield failed(number, fault ?? '');
    else if (text.trim() !== '') {
      const parsed = parseRequest(text, requestOf(defaults));
      yield parsed.kind === 'fault'
        ? failed(number, parsed.message)
        : await answerOrFailure(loaded, parsed.request, context);
    }
  }
}

async function answerOrFailure(
  loaded: LoadedCatalog,
  request: ResolveRequest,
  context: ResolveContext,
): Promise<BatchAnswer> {
  try {
    // Without a cache: the lists of files would be read again for each unknown name.
    return await resolveRequest(loaded, request, { ...context, cacheDirectory: null });
  } catch (error) {
    if (error instanceof CygstrapError && context.signal?.aborted !== true) return { kind: 'failed', error };
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
