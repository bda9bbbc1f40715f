import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { CygstrapError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';

/** Reads a small text file of UTF-8. Undefined when there is none; `io` when it cannot be read, `code` when it is no UTF-8. */
export async function readTextFile(path: string, code: ErrorCode): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new CygstrapError('io', `cannot read \`${path}\``, { cause });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CygstrapError(code, `\`${path}\` is no text in UTF-8`);
  }
}

/** Puts a text in the place of a file, all of it or nothing: whoever reads sees the old or the new one, also after a loss of
 *  power. Throws `io`, and leaves the old file then. */
export async function writeTextFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => {});
    throw new CygstrapError('io', `cannot write \`${path}\``, { cause });
  }
}
