import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A place that all test files share: who needs a machine that is installed or frozen finds it in its `vm, dir`, or makes it for all. */
    sharedPlace: string;
  }
}

/** Makes the place before all tests, and removes it after them. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const place = await mkdtemp(join(tmpdir(), 'cyg-'));
  provide('sharedPlace', place);
  return () => rm(place, { recursive: true, force: true });
}
