import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { pruneCommand } from '../../src/cli/commands/prune.ts';
import { verifyCommand } from '../../src/cli/commands/verify.ts';
import { Output } from '../../src/cli/terminal/output.ts';
import { parseWords } from '../../src/cli/options/parse.ts';
import { filesToRepair, verifyRepo } from '../../src/api/verify.ts';
import type { Lock } from '../../src/core/lock/lock.ts';
import { printLock } from '../../src/core/lock/print.ts';
import { publishSubset } from '../../src/repo/publish.ts';
import { subsetIndex } from '../../src/repo/subset.ts';
import {
  bytesOf,
  fileOf,
  indexOf,
  openStore,
  recordsOf,
  sourceOf,
  temporaryDirectory,
  treeOf,
  writeTree,
} from './support.ts';

const BYTES = bytesOf(1, 2048);
const A = fileOf('x86_64/release/a/a-1-1.tar.xz', BYTES);
const B = fileOf('noarch/release/b/b-1-1.tar.xz', BYTES);
const OLD = fileOf('x86_64/release/a/a-0-1.tar.xz', BYTES);

/** Runs one of the two commands as the command line does, in memory. */
async function cygstrap(...argv: string[]): Promise<{ exit: number; stdout: string; stderr: string }> {
  const [name = '', ...words] = argv;
  const command = name === 'prune' ? pruneCommand : verifyCommand;
  const task = command.task(parseWords(command, words));
  const host = {
    stdin: Readable.from([]),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: { XDG_CACHE_HOME: temporaryDirectory() },
  };
  const exit = await task({ host, output: new Output(host) });
  host.stdout.end();
  host.stderr.end();
  return { exit, stdout: await text(host.stdout), stderr: await text(host.stderr) };
}

/** A repo with an index of A and B, and OLD besides; and a lock of all three. */
async function filled(): Promise<{ root: string; lock: string }> {
  const root = join(temporaryDirectory(), 'repo');
  const store = await openStore(root);
  const files = await Promise.all([A, B, OLD].map((file) => store.put(file, sourceOf(BYTES))));
  const records = recordsOf(
    indexOf([
      { name: 'a', version: '1-1', file: A },
      { name: 'b', version: '1-1', file: B },
    ]),
  );
  await publishSubset(store, 'x86_64', subsetIndex({ header: { release: 'cygwin', arch: 'x86_64' }, records, files }));
  await store.close();
  const lock = join(root, '../cygstrap.lock.json');
  const packages = [A, B, OLD].map(({ path, sizeBytes, digest }, i) => ({
    name: ['a', 'b', 'old'][i] ?? '',
    version: '1-1',
    index: 0,
    path,
    size: sizeBytes,
    sha512: digest?.hex ?? '',
  }));
  const request = {
    packages: ['a'],
    categories: [],
    buildDepends: [],
    base: true,
    test: false,
    source: false,
    windows: '10.0.19045',
    arch: 'x86_64',
  };
  const indexes = [{ release: 'cygwin', arch: 'x86_64', timestamp: 1, sha512: '0'.repeat(128), signer: 'unsigned' }];
  writeFileSync(lock, printLock({ schema: 1, resolver: 'cygstrap 0', request, indexes, packages } satisfies Lock));
  return { root, lock };
}

describe('verify', () => {
  test('of an undamaged repo exits with 0', async () => {
    const { root, lock } = await filled();
    expect(await cygstrap('verify', root, '--lock', lock)).toEqual({
      exit: 0,
      stdout: `\`${root}\`: 3 files, 6.0 KiB, read: no damage\n`,
      stderr: '',
    });
    expect(await cygstrap('verify', root)).toEqual({
      exit: 0,
      stdout: `${OLD.path}: unlisted\n\`${root}\`: 2 files, 4.0 KiB, read: no damage; 1 unlisted or leftover\n`,
      stderr: '',
    });
  });

  test('of a damaged repo lists the damage and exits with 1', async () => {
    const { root, lock } = await filled();
    writeFileSync(join(root, A.path), bytesOf(2, 2048));
    rmSync(join(root, B.path));
    writeTree(root, { [OLD.path]: 'short' });
    const { exit, stdout } = await cygstrap('verify', root, '--lock', lock);
    expect(exit).toBe(1);
    expect(stdout.split('\n').map((line) => line.replace(/[0-9a-f]{12}…/g, 'X…'))).toEqual([
      `${B.path}: missing`,
      `${OLD.path}: wrong size: expected 2048 bytes, found 5 bytes`,
      `${A.path}: damaged: expected sha512 X…, found sha512 X…`,
      `\`${root}\`: 1 file, 2.0 KiB, read: 3 damaged or missing`,
      '',
    ]);
    expect(await cygstrap('verify', root, '--quick')).toMatchObject({
      exit: 1,
      stdout: expect.stringContaining('sizes compared: 1 damaged or missing') as string,
    });
    const json = JSON.parse((await cygstrap('verify', root, '--json')).stdout) as Record<string, unknown>;
    expect(json).toMatchObject({
      schema: 1,
      isQuick: false,
      damaged: 2,
      indexes: [{ path: 'x86_64/setup.ini', isSubset: true }],
    });
    expect(json['findings']).toEqual([
      { kind: 'missing', path: B.path },
      { kind: 'unlisted', path: OLD.path },
      {
        kind: 'damaged',
        path: A.path,
        expected: `sha512:${A.digest?.hex}`,
        actual: `sha512:${fileOf(A.path, bytesOf(2, 2048)).digest?.hex}`,
      },
    ]);
    expect(filesToRepair(await verifyRepo({ repo: root, locks: [lock], isQuick: false }))).toMatchObject([B, OLD, A]);
  });

  test('needs an index or a lock', async () => {
    const root = temporaryDirectory();
    await expect(cygstrap('verify', root)).rejects.toMatchObject({ code: 'repo' });
    writeTree(root, { 'x86_64/release/a': 'x' });
    await expect(cygstrap('verify', root)).rejects.toMatchObject({
      code: 'repo',
      message: expect.stringContaining('has no index') as string,
    });
    await expect(cygstrap('verify', root, '--lock', join(root, 'none'))).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('prune', () => {
  test('only lists, and deletes with `--yes`', async () => {
    const { root, lock } = await filled();
    const before = treeOf(root);
    expect(await cygstrap('prune', root)).toEqual({
      exit: 0,
      stdout: `${OLD.path}: 2.0 KiB\n\`${root}\`: 1 file, 2.0 KiB to delete; 2 kept\n`,
      stderr: 'hint: nothing was deleted; run it again with `--yes` to delete these files\n',
    });
    expect(await cygstrap('prune', root, '--lock', lock, '--yes')).toMatchObject({
      stdout: `\`${root}\`: deleted 0 files, 0 B; 3 kept\n`,
    });
    expect(treeOf(root)).toEqual(before);
    const { stdout } = await cygstrap('prune', root, '--yes', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 1,
      remove: [{ path: OLD.path, sizeBytes: 2048 }],
      removeBytes: 2048,
      keptFiles: 2,
      isDone: true,
    });
    expect(Object.keys(treeOf(root)).toSorted()).toEqual([B.path, A.path, 'x86_64/setup.ini'].toSorted());
  });

  test('deletes nothing when the index cannot be read', async () => {
    const { root } = await filled();
    writeTree(root, { 'x86_64/setup.ini': '# cygstrap: lists only what this repo has\nnonsense nonsense\n' });
    const before = treeOf(root);
    await expect(cygstrap('prune', root, '--lenient', '--yes')).rejects.toMatchObject({ code: 'parse' });
    expect(treeOf(root)).toEqual(before);
  });
});
