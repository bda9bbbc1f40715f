import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeDurable } from '../../src/repo/disk/durable.ts';
import { temporaryDirectory } from './support.ts';

/** Makes a file read-only, for root too where the file system supports that. */
function makeReadOnly(path: string): void {
  chmodSync(path, 0o444);
  if (spawnSync('chattr', ['+i', path]).status === 0) onTestFinished(() => void spawnSync('chattr', ['-i', path]));
}

test('read-only files are flushed, too', async () => {
  const root = temporaryDirectory();
  const path = join(root, 'archive.tar.xz');
  writeFileSync(path, 'x');
  makeReadOnly(path);
  await expect(makeDurable(root, [path])).resolves.toBeUndefined();
});

test.each([2, 40])('of %i files, those that no longer exist are ignored', async (count) => {
  const root = temporaryDirectory();
  mkdirSync(join(root, 'd'));
  const paths = Array.from({ length: count }, (_, i) => join(root, 'd', `${i}`));
  for (const path of paths.slice(1)) writeFileSync(path, 'x');
  await expect(makeDurable(root, [...paths, join(root, 'missing/x')])).resolves.toBeUndefined();
});
