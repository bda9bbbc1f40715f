import { CygstrapError } from '../errors.ts';
import { outputDecoder } from '../guest/windows/code-pages.ts';
import type { OutputDecoder } from '../guest/windows/code-pages.ts';
import type { RunHooks } from '../stages/run.ts';

/** Throws `usage` for an unknown encoding of `VmRunRequest.encoding`. */
export function requireEncoding(name: string): void {
  decoderOf(name);
}

function decoderOf(name: string): OutputDecoder {
  const decoder = outputDecoder(name);
  if (decoder !== undefined) return decoder;
  throw new CygstrapError('usage', `unknown encoding: \`${name}\``, {
    hint: 'use cp437, cp850, cp852, cp858, or a label of the WHATWG encoding standard such as windows-1252 or utf-16le',
  });
}

/** Output of a command in UTF-8. */
export interface Utf8Output extends Pick<RunHooks, 'onOutput'> {
  /** Passes on what is incomplete at the end. */
  readonly end: () => Promise<void>;
}

/** Returns a receiver of output in an encoding that passes it on in UTF-8. Throws `usage` for an unknown encoding. */
export function toUtf8(encoding: string, onOutput: RunHooks['onOutput']): Utf8Output {
  const decoders = { stdout: decoderOf(encoding), stderr: decoderOf(encoding) };
  const pass = async (stream: 'stdout' | 'stderr', text: string): Promise<void> => {
    if (text !== '') await onOutput(stream, Buffer.from(text));
  };
  return {
    onOutput: (stream, chunk) => pass(stream, decoders[stream].decode(chunk)),
    end: async () => {
      await pass('stdout', decoders.stdout.end());
      await pass('stderr', decoders.stderr.end());
    },
  };
}
