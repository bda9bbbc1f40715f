import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { makeRelease } from '../release.ts';
import type { Release } from '../release.ts';

/** Writes a release whose setup program is the counterfeit, as a program that this computer can start once it is
 *  executable. */
export async function makeReleaseWithSetup(directory: string): Promise<Release> {
  const bundled = await rolldown({
    input: fileURLToPath(new URL('./standalone.ts', import.meta.url)),
    platform: 'node',
  });
  const { output } = await bundled.generate({ format: 'cjs' });
  await bundled.close();
  return makeRelease(directory, 'x86_64', Buffer.from(`#!${process.execPath}\n${output[0].code}`));
}

/** Makes a file executable: a repo has its files without this permission, and Windows needs none. */
export function allowToRun(path: string): void {
  chmodSync(path, 0o755);
}
