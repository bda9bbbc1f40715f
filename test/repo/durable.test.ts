import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeDurable } from '../../src/repo/disk/durable.ts';
import { temporaryDirectory } from './support.ts';

/** Makes a file read-only, for root too; returns whether that works on this file system. */
function makeReadOnly(path: string): boolean {
  chmodSync(path, 0o444);
  if (spawnSync('chattr', ['+i', path]).status === 0) onTestFinished(() => void spawnSync('chattr', ['-i', path]));
  try {
    closeSync(openSync(path, 'r+'));
    return false;
  } catch {
    return true;
  }
}

test('read-only files are flushed, too', async ({ skip }) => {
  const root = temporaryDirectory();
  const path = join(root, 'archive.tar.xz');
  writeFileSync(path, 'x');
  if (!makeReadOnly(path)) skip('root may write to every file here, and `chattr +i` does not work');
  await makeDurable(root, [path]);
});

test.each([2, 40])('of %i files, those that no longer exist are ignored', async (count) => {
  const root = temporaryDirectory();
  mkdirSync(join(root, 'd'));
  const paths = Array.from({ length: count }, (_, i) => join(root, 'd', `${i}`));
  for (const path of paths.slice(1)) writeFileSync(path, 'x');
  await expect(makeDurable(root, [...paths, join(root, 'missing/x')])).resolves.toBeUndefined();
});
