import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Builds `dist` once before all tests if a source is newer. The tests run the command line as it is published. */
export async function setup(): Promise<void> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
  const sources = [newest(join(root, 'src')), newest(join(root, '.ci')), statSync(join(root, 'tsconfig.json')).mtimeMs];
  if (newest(join(root, 'dist')) > Math.max(...sources)) return;
  try {
    await run(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root });
    for (const script of ['man', 'types', 'bundle']) await run(process.execPath, [`.ci/${script}.js`], { cwd: root });
  } catch (cause) {
    const { stdout } = cause as { stdout?: string };
    throw new Error(`the build fails:\n${stdout ?? ''}`, { cause });
  }
}

/** Returns the latest modification time below a folder in milliseconds, or 0 for a missing folder. */
function newest(folder: string): number {
  try {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return Math.max(0, ...files.map(({ parentPath, name }) => statSync(join(parentPath, name)).mtimeMs));
  } catch {
    return 0;
  }
}
