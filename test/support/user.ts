import { chmodSync } from 'node:fs';

const NOBODY = 65534;

/** Runs a test of permissions as an ordinary user. Root ignores permissions, so root becomes `nobody` for the test.
 *  `directory`, created by the test, becomes readable for that user. */
export async function asOrdinaryUser<T>(directory: string, work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  chmodSync(directory, 0o755);
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
