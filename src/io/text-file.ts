import { readFile } from 'node:fs/promises';
import { CygstrapError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { writeFileAtomically } from './atomic-file.ts';
import { hasCode, ioError } from './system-error.ts';

/** Reads a small text file in UTF-8. Returns undefined if it does not exist. Throws `io` if it cannot be read, and
 *  `code` if it is not valid UTF-8. */
export async function readTextFile(path: string, code: ErrorCode): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    throw ioError(cause, 'read', path);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CygstrapError(code, `\`${path}\` is not valid UTF-8`);
  }
}

/** Replaces the content of a text file: readers see the old text or the new one, also after a loss of power. Throws
 *  `io`; the old file stays then. */
export async function writeTextFile(path: string, text: string): Promise<void> {
  try {
    await writeFileAtomically(path, text, { durable: true });
  } catch (cause) {
    throw ioError(cause, 'write', path);
  }
}
