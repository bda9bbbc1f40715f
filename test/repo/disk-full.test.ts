import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditRepo } from '../../src/repo/audit.ts';
import { publishSubset } from '../../src/repo/publish.ts';
import { subsetIndex } from '../../src/repo/subset.ts';
import { bytesOf, fileOf, indexOf, openStore, recordsOf, sourceOf, temporaryDirectory, treeOf } from './support.ts';
import { asOrdinaryUser } from '../support/user.ts';

/** Mounts a file system of a few megabytes; false where that is not allowed (only root may, and not in every
 *  container). */
function mount(directory: string, ...options: string[]): boolean {
  try {
    execFileSync('mount', [...options, 'tmpfs', directory], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const probe = process.platform === 'linux' && process.getuid?.() === 0;

describe.skipIf(!probe)('a disk (needs root, to mount a small one)', () => {
  let root = '';
  let isMounted = false;
  beforeAll(() => {
    const directory = `/tmp/cygstrap-disk-${process.pid}`;
    execFileSync('mkdir', ['-p', directory]);
    isMounted = mount(directory, '-t', 'tmpfs', '-o', 'size=6m');
    root = directory;
  });
  afterAll(() => {
    if (isMounted) execFileSync('umount', [root]);
    rmSync(root, { recursive: true, force: true });
  });

  const small = bytesOf(1, 900_000);
  const large = bytesOf(2, 8_000_000);
  const file = fileOf('x86_64/release/a/a-1-1.tar.xz', small);
  const tooLarge = fileOf('x86_64/release/b/b-1-1.tar.xz', large);

  test('that is full is an error, and the repo stays valid', async ({ skip }) => {
    if (!isMounted) skip('mounting is not allowed here');
    const store = await openStore(root);
    const verified = await store.put(file, sourceOf(small));
    const text = indexOf([{ name: 'a', version: '1-1', file }]);
    await publishSubset(store, 'x86_64', subsetIndex({ header: {}, records: recordsOf(text), files: [verified] }));
    const before = readFileSync(join(root, 'x86_64/setup.ini'));

    await expect(store.put(tooLarge, sourceOf(large))).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('disk is full') as string,
      hint: expect.stringContaining('free some space') as string,
      details: { system: 'ENOSPC' },
    });
    expect(existsSync(join(root, tooLarge.path))).toBe(false);
    // The part of the large file has taken all the room there was.
    const other = fileOf('x86_64/release/c/c-1-1.tar.xz', bytesOf(3, 900_000));
    await expect(store.put(other, sourceOf(bytesOf(3, 900_000)))).rejects.toMatchObject({
      code: 'io',
      details: { system: 'ENOSPC' },
    });
    const manyPackages = indexOf(Array.from({ length: 3000 }, (_, i) => ({ name: `p${i}`, version: '1-1', file })));
    await expect(
      publishSubset(store, 'x86_64', subsetIndex({ header: {}, records: recordsOf(manyPackages), files: [verified] })),
    ).rejects.toMatchObject({ code: 'io' });
    expect(readFileSync(join(root, 'x86_64/setup.ini')).equals(before)).toBe(true);
    expect(Object.keys(treeOf(root)).filter((path) => !path.includes('.part'))).toEqual([
      file.path,
      'x86_64/setup.ini',
    ]);

    const { findings } = await auditRepo(root, [{ files: [file], isComplete: true }]);
    expect(findings.map(({ kind }) => kind)).toEqual(['leftover', 'leftover']);
    rmSync(join(root, `${tooLarge.path}.part`));
    await store.put(other, sourceOf(bytesOf(3, 900_000)));
    await store.close();
  });

  test('that is read-only is an error', async ({ skip }) => {
    if (!isMounted || !mount(root, '-o', 'remount,ro')) skip('mounting is not allowed here');
    await expect(openStore(root)).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('read-only') as string,
    });
    // Looking is still possible, and remembers nothing.
    const { findings, verified } = await auditRepo(root, [{ files: [file], isComplete: true }]);
    expect(findings.filter(({ kind }) => kind !== 'leftover' && kind !== 'unlisted')).toEqual([]);
    expect(verified).toHaveLength(1);
  });
});

test.skipIf(process.platform === 'win32')(
  'a directory without permission is an error (skipped on Windows)',
  async () => {
    const directory = temporaryDirectory();
    execFileSync('chmod', ['555', directory]);
    await expect(asOrdinaryUser(directory, () => openStore(join(directory, 'repo')))).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('permission') as string,
    });
  },
);
