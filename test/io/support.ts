import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Creates an empty directory that is removed after the test. */
export function emptyDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'cygstrap-io-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
