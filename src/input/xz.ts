import { hasCode } from '../io/system-error.ts';
import { DecodeFault } from './input-error.ts';
import { decodeByLibrary } from './xz-library.ts';
import { decodeByXz } from './xz-program.ts';

/** Memory limit of the program: twice what data of `xz -9` needs. */
const MAX_DECODER_BYTES = 128 * 1024 * 1024;

/** Smallest input for the `xz` program: starting it costs 5 ms. It decodes in a process of its own, so that a first
 *  `resolve` of an index as .xz takes 28 % less time with it. */
const PROGRAM_MIN_BYTES = 256 * 1024;

export interface XzOptions {
  /** Program to decode with. Default: `xz`; none on Windows, where the system would search the current directory first.
   */
  readonly program?: string | undefined;
  readonly programMinBytes?: number;
}

/** Decodes .xz data of one or more streams with padding, and verifies every check; refuses checks of an unknown kind.
 *  If the program fails for any reason, the library continues, so that text and faults do not depend on the program.
 *  The program decodes what the library does not support, of every size. Throws `DecodeFault` for damaged or truncated
 *  data and for trailing bytes, and with code `unsupported` for what needs the program if there is none. */
export async function* decodeXz(
  bytes: Uint8Array,
  maxTextBytes: number,
  options: XzOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { program = process.platform === 'win32' ? undefined : 'xz', programMinBytes = PROGRAM_MIN_BYTES } = options;
  let yieldedBytes = 0;
  /** Yields the text after what is yielded already. */
  async function* rest(texts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let leftBytes = yieldedBytes;
    for await (const text of texts) {
      const skippedBytes = Math.min(leftBytes, text.length);
      leftBytes -= skippedBytes;
      yieldedBytes += text.length - skippedBytes;
      if (skippedBytes < text.length) yield text.subarray(skippedBytes);
    }
    if (leftBytes > 0) throw new DecodeFault('corrupt', `\`${program}\` produced more text than the data holds`);
  }
  const byProgram = (name: string): AsyncGenerator<Uint8Array, void, undefined> =>
    rest(decodeByXz(name, bytes, { maxTextBytes, maxDecoderBytes: MAX_DECODER_BYTES }));

  let programFault: unknown;
  if (program !== undefined && bytes.length >= programMinBytes) {
    try {
      yield* byProgram(program);
      return;
    } catch (fault) {
      programFault = fault;
    }
  }
  let unsupported: DecodeFault;
  try {
    yield* rest(decodeByLibrary(bytes));
    return;
  } catch (fault) {
    if (program === undefined || !(fault instanceof DecodeFault) || fault.code !== 'unsupported') throw fault;
    unsupported = fault;
  }
  try {
    if (programFault !== undefined) throw programFault;
    yield* byProgram(program);
  } catch (fault) {
    throw hasCode(fault, 'ENOENT') ? unsupported : fault;
  }
}
