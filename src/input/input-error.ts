import { CygstrapError, type CygstrapErrorOptions } from '../errors.ts';
import type { Compression, ForeignText } from './sniff.ts';

/** An index that cannot be read. Codes: `not-found`; `io` (reading fails); `corrupt` (damaged, truncated, or followed
 *  by other bytes); `limit` (more bytes than allowed). `details` are `{ index, compression? }`. */
export class InputError extends CygstrapError {
  constructor(code: 'not-found' | 'io' | 'corrupt' | 'limit', message: string, options: CygstrapErrorOptions = {}) {
    super(code, message, options);
    this.name = 'InputError';
  }
}

/** A fault that a decoder finds in its input; `unsupported`: valid data that it cannot decode. It does not name the
 *  index. */
export class DecodeFault extends Error {
  readonly code: 'corrupt' | 'limit' | 'unsupported';

  constructor(code: DecodeFault['code'], message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DecodeFault';
    this.code = code;
  }
}

const CHECK_COMMAND = { zst: 'zstd -t', xz: 'xz -t', bz2: 'bzip2 -t', gz: 'gzip -t', none: undefined } as const;

/** The index that a fault belongs to. */
export interface FaultyIndex {
  readonly name: string;
  /** Path of the file; undefined if the index does not come from a file. */
  readonly path: string | undefined;
  readonly compression: Compression | 'none';
}

/** Converts a fault into an error that names the index and its compression, with a hint that fits the platform. */
export function inputErrorFrom(
  { name, path, compression }: FaultyIndex,
  fault: DecodeFault,
  platform: NodeJS.Platform = process.platform,
): InputError {
  const index = compression === 'none' ? `\`${name}\`` : `\`${name}\` (${compression})`;
  const options = { details: { index: name, compression }, ...(fault.cause !== undefined && { cause: fault.cause }) };
  if (fault.code === 'limit') {
    const hint = "Cygwin's own index has about 20 MB of text; raise the limit only for an index that you trust";
    return new InputError('limit', `${index} is too large: ${fault.message}`, { ...options, hint });
  }
  if (fault.code === 'unsupported' && platform === 'win32')
    return new InputError('io', `cannot decode ${index}: ${fault.message}, which cygstrap cannot read on Windows`, {
      ...options,
      hint: 'use another form of the index: `setup.zst`, `setup.bz2` or `setup.ini`',
    });
  if (fault.code === 'unsupported')
    return new InputError('io', `cannot decode ${index}: ${fault.message}, which needs the program \`xz\``, {
      ...options,
      hint: 'install `xz`, or use `setup.zst` or `setup.ini`',
    });
  const command = CHECK_COMMAND[compression];
  const check = command === undefined || path === undefined ? '' : `; check it with \`${command} ${path}\``;
  return new InputError('corrupt', `${index} is damaged: ${fault.message}`, {
    ...options,
    hint: `download it again${check}`,
  });
}

const FOREIGN_HINTS: Readonly<Record<ForeignText, string>> = {
  'web page': 'look at it in a browser: it can be the login page of a network, or the address can be wrong',
  'JSON file': 'name a lock with `--lock`; `cygstrap report --lock NEW --before OLD` compares two',
};

/** Returns the error for another text in the place of an index. */
export function foreignTextError(name: string, found: ForeignText): InputError {
  return new InputError('corrupt', `\`${name}\` is a ${found}, not an index`, {
    details: { index: name },
    hint: FOREIGN_HINTS[found],
  });
}
