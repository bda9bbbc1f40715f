import { CygstrapError, type ErrorOptions } from '../errors.ts';
import type { Compression } from './sniff.ts';

/** An index whose bytes cannot be had. Codes: `not-found`, `io` (cannot be read), `corrupt` (damaged, cut short, or followed by
 *  something else), `limit` (more text than allowed). `details` are `{ index, compression? }`. */
export class InputError extends CygstrapError {
  constructor(code: 'not-found' | 'io' | 'corrupt' | 'limit', message: string, options: ErrorOptions = {}) {
    super(code, message, options);
    this.name = 'InputError';
  }
}

/** A fault a decoder finds in the bytes it was given; it does not know whose they are. */
export class DecodeFault extends Error {
  readonly code: 'corrupt' | 'limit';

  constructor(code: 'corrupt' | 'limit', message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DecodeFault';
    this.code = code;
  }
}

const CHECK_COMMAND = { zst: 'zstd -t', xz: 'xz -t', bz2: 'bzip2 -t', gz: 'gzip -t', none: undefined } as const;

/** The index a fault was found in. */
export interface Faulty {
  readonly name: string;
  /** Where the file is, if it is one. */
  readonly path: string | undefined;
  readonly compression: Compression | 'none';
}

/** Says which index a fault was found in, how it is compressed, and what to do about it. */
export function faultIn({ name, path, compression }: Faulty, fault: DecodeFault): InputError {
  const which = compression === 'none' ? `\`${name}\`` : `\`${name}\` (${compression})`;
  const options = { details: { index: name, compression }, ...(fault.cause !== undefined && { cause: fault.cause }) };
  if (fault.code === 'limit') {
    const hint = "Cygwin's own index is about 20 MB of text; if you trust this one, raise the limit";
    return new InputError('limit', `${which} is too large: ${fault.message}`, { ...options, hint });
  }
  const command = CHECK_COMMAND[compression];
  const secondOpinion =
    command === undefined || path === undefined ? '' : `; \`${command} ${path}\` gives a second opinion`;
  return new InputError('corrupt', `${which} is damaged: ${fault.message}`, {
    ...options,
    hint: `fetch it again${secondOpinion}`,
  });
}

/** True for an error of the system or of Node.js with one of these codes, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
