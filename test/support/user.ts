import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from './transcript.ts';

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

/** Returns Node.js and this project at paths that every user can read: copies in `directory`, which every user can
 *  read, of what is in a private directory. Only for root. */
export function programsForOthers(directory: string): { readonly node: string; readonly project: string } {
  const node = join(directory, 'node');
  const project = join(directory, 'project');
  const [isNodeReadable, isProjectReadable] = [process.execPath, join(PROJECT, 'package.json')].map(isReadableByOthers);
  if (isNodeReadable !== true) copyFileSync(process.execPath, node);
  if (isProjectReadable !== true)
    for (const name of ['bin', 'dist', 'fixtures', 'node_modules', 'package.json', 'src'])
      cpSync(join(PROJECT, name), join(project, name), { recursive: true });
  return {
    node: isNodeReadable === true ? process.execPath : node,
    project: isProjectReadable === true ? PROJECT : project,
  };
}

function isReadableByOthers(path: string): boolean {
  const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  return spawnSync('setpriv', [...user, 'test', '-r', path]).status === 0;
}
