import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { makeRepo } from './support.ts';

const OLD = { bash: ['5.1-1', 3000], zlib: ['1.2-1', 700], old: ['1.0-1', 50] } as const;

/** Directory of the repos of a test file, with the old state in `near`. */
export let base = '';

/** The lock of the old state. */
export let oldLock = '';

/** Options of a call whose events do not matter. */
export const options = { report: (): void => {} };

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'cygstrap-bundle-'));
  ({ lockFile: oldLock } = await makeRepo(join(base, 'near'), OLD));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A copy of the repo that has the old state. */
export function nearCopy(): { repo: string; lock: string } {
  const dir = mkdtempSync(join(base, 'copy-'));
  cpSync(join(base, 'near'), dir, { recursive: true, preserveTimestamps: true });
  return { repo: join(dir, 'repo'), lock: join(dir, 'cygstrap.lock.json') };
}
