import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cpioArchive } from '../../src/guest/linux/cpio.ts';
import type { TreeEntry } from '../../src/guest/linux/cpio.ts';
import { describeWith } from '../support/qemu.ts';

const tree: readonly TreeEntry[] = [
  { kind: 'file', path: 'init', content: '#!/bin/sh\n', mode: 0o755 },
  { kind: 'file', path: 'lib/modules/odd length.ko', content: Buffer.from([1, 2, 3, 4, 5]) },
  { kind: 'symlink', path: 'bin/sh', target: '/bin/busybox' },
  { kind: 'directory', path: 'root', mode: 0o700 },
  { kind: 'file', path: 'empty', content: '' },
];

function bytes(entries: readonly TreeEntry[]): Buffer {
  return Buffer.concat(cpioArchive(entries));
}

test('the order of entries makes no difference', () => {
  expect(bytes(tree.toReversed()).equals(bytes(tree))).toBe(true);
});

test('of two entries with one path the later wins', () => {
  const text = bytes([...tree, { kind: 'file', path: 'init', content: 'second' }]).toString('latin1');
  expect(text).toContain('second');
  expect(text).not.toContain('#!/bin/sh');
});

test.each(['/abs', 'a//b', './a', 'a/../b', ''])('the path `%s` is rejected', (path) => {
  expect(() => cpioArchive([{ kind: 'file', path, content: '' }])).toThrow(TypeError);
});

describeWith(['busybox'], 'busybox cpio', () => {
  test('unpacks to the same files', () => {
    const directory = mkdtempSync(join(tmpdir(), 'cyg-'));
    try {
      const names = execFileSync('busybox', ['cpio', '-t'], {
        input: bytes(tree),
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      expect(names.trim().split('\n')).toEqual([
        'bin',
        'bin/sh',
        'empty',
        'init',
        'lib',
        'lib/modules',
        'lib/modules/odd length.ko',
        'root',
      ]);
      execFileSync('busybox', ['cpio', '-i', '-m'], {
        input: bytes(tree),
        cwd: directory,
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      expect(readFileSync(join(directory, 'lib/modules/odd length.ko'))).toEqual(Buffer.from([1, 2, 3, 4, 5]));
      expect(readlinkSync(join(directory, 'bin/sh'))).toBe('/bin/busybox');
      expect(lstatSync(join(directory, 'init')).mode & 0o777).toBe(0o755);
      expect(lstatSync(join(directory, 'root')).mode & 0o777).toBe(0o700);
      expect(lstatSync(join(directory, 'init')).mtimeMs).toBe(0);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
