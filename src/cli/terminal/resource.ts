import { CygstrapError } from '../../errors.ts';

const MEMORY = {
  message: 'not enough memory',
  hint:
    'raise the limit with `ulimit -v unlimited`, or set NODE_OPTIONS=--disable-wasm-trap-handler, with which ' +
    'WebAssembly reserves less address space',
};
const FILES = { message: 'too many open files', hint: 'raise the limit with `ulimit -n`' };
const PROCESSES = { message: 'too many processes or threads', hint: 'raise the limit with `ulimit -u`' };

/** What is exhausted, for the error codes of the system and of Node.js. */
const BY_CODE: ReadonlyMap<string, typeof MEMORY> = new Map([
  ['ENOMEM', MEMORY],
  ['ERR_MEMORY_ALLOCATION_FAILED', MEMORY],
  ['ERR_WORKER_OUT_OF_MEMORY', MEMORY],
  ['EMFILE', FILES],
  ['ENFILE', FILES],
  ['EAGAIN', PROCESSES],
  ['ERR_WORKER_INIT_FAILED', PROCESSES],
]);

/** Parts of the messages of V8, which have no code. */
const NO_MEMORY = /out of memory|could not allocate memory|allocation failed|cannot allocate/i;

/** Returns an error with code `resource` if an error, or one of its ten first causes, means that the system or a limit
 *  of the process refuses memory, files or processes; otherwise undefined. */
export function resourceError(error: unknown): CygstrapError | undefined {
  let cause = error;
  for (let depth = 0; depth < 10 && cause instanceof Error; depth++, cause = cause.cause) {
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
    const isRefusedByV8 = cause instanceof RangeError && NO_MEMORY.test(cause.message);
    const exhausted = isRefusedByV8 ? MEMORY : BY_CODE.get(code);
    if (exhausted !== undefined)
      return new CygstrapError('resource', exhausted.message, { hint: exhausted.hint, cause: error });
  }
  return undefined;
}
