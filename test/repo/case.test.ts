import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caseless, isCaseInsensitive } from '../../src/io/caseless.ts';
import { auditRepo } from '../../src/repo/audit.ts';
import { applyPrune, planPrune } from '../../src/repo/prune.ts';
import { publishSubset } from '../../src/repo/publish.ts';
import { subsetIndex } from '../../src/repo/subset.ts';
import { bytesOf, fileOf, indexOf, openStore, recordsOf, sourceOf, temporaryDirectory } from './support.ts';

const BYTES = bytesOf(1, 5_000);
const LISTED = fileOf('x86_64/release/Pkg/Pkg-1-1.tar.xz', BYTES);
const OLD = fileOf('x86_64/release/Pkg/Pkg-0-1.tar.xz', BYTES);

test('paths that differ in case only have one caseless form', () => {
  expect(caseless('x86_64/GÜNTHER-ß.tar')).toBe(caseless('X86_64/günther-SS.tar'));
  expect(caseless('a/b+c-1.tar.xz')).toBe('a/b+c-1.tar.xz');
  expect(caseless('a')).not.toBe(caseless('b'));
});

test('an empty directory counts as case-sensitive', () => {
  expect(isCaseInsensitive(temporaryDirectory())).toBe(false);
});

test.skipIf(process.platform !== 'linux')(
  'a directory with both cases of a name is case-sensitive (skipped where disks are not)',
  () => {
    const root = temporaryDirectory();
    for (const name of ['1', 'x86_64', 'X86_64']) mkdirSync(join(root, name));
    expect(isCaseInsensitive(root)).toBe(false);
    rmSync(join(root, 'X86_64'), { recursive: true });
    expect(isCaseInsensitive(root)).toBe(false);
  },
);

/** Mounts a case-insensitive file system: ext4 with `casefold`, otherwise FAT. Returns the directory in it, if that
 *  works. */
function mountCaseInsensitive(mountPoint: string): string | undefined {
  const image = `${mountPoint}.img`;
  const run = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
  mkdirSync(mountPoint, { recursive: true });
  const directory = join(mountPoint, 'root');
  const isExt4 =
    run('truncate', '-s', '32M', image) &&
    run('mkfs.ext4', '-q', '-F', '-O', 'casefold', image) &&
    run('mount', '-o', 'loop', image, mountPoint);
  const isMounted = isExt4 || (run('mkfs.fat', image) && run('mount', '-t', 'vfat', '-o', 'loop', image, mountPoint));
  if (!isMounted) return undefined;
  mkdirSync(directory);
  return !isExt4 || run('chattr', '+F', directory) ? directory : undefined;
}

test('a disk that ignores case is recognized', () => {
  const root = temporaryDirectory();
  mkdirSync(join(root, 'x86_64'));
  // Linux has no such disk without a special file system.
  expect(isCaseInsensitive(root, (path, options) => lstatSync(join(root, basename(path).toLowerCase()), options))).toBe(
    true,
  );
});

describe('a needed file whose name has another case', () => {
  const mountPoint = `/tmp/cygstrap-case-${process.pid}`;
  let mounted: string | undefined;
  beforeAll(() => {
    // Only root may mount; a kernel needs CONFIG_UNICODE for casefold or CONFIG_VFAT_FS for FAT.
    if (process.platform === 'linux' && process.getuid?.() === 0) mounted = mountCaseInsensitive(mountPoint);
  });
  afterAll(() => {
    if (mounted !== undefined) spawnSync('umount', [mountPoint]);
    rmSync(mountPoint, { recursive: true, force: true });
    rmSync(`${mountPoint}.img`, { force: true });
  });

  test('is kept by prune and found by verify', async () => {
    const root = mounted ?? temporaryDirectory();
    const store = await openStore(root);
    const verified = await store.put(LISTED, sourceOf(BYTES));
    await store.put(OLD, sourceOf(BYTES));
    const records = recordsOf(indexOf([{ name: 'Pkg', version: '1-1', file: LISTED }]));
    await publishSubset(store, 'x86_64', subsetIndex({ header: {}, records, files: [verified] }));
    await store.close();
    const release = join(root, 'x86_64/release');
    renameSync(join(release, 'Pkg'), join(release, 'other'));
    renameSync(join(release, 'other'), join(release, 'pkg'));
    expect(readdirSync(release)).toEqual(['pkg']);
    // Where no case-insensitive disk can be mounted, the disk is treated as one.
    const isReal = isCaseInsensitive(root);
    if (mounted !== undefined) expect(isReal).toBe(true);
    const options = isReal ? {} : { ignoresCase: true };

    const { findings } = await auditRepo(root, [{ files: [LISTED], isComplete: true }], options);
    expect(findings.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['unlisted x86_64/release/pkg/Pkg-0-1.tar.xz']);
    const plan = await planPrune(root, { locks: [], pathsOf: async () => [LISTED.path], ...options });
    expect(plan.remove.map(({ path }) => path)).toEqual(['x86_64/release/pkg/Pkg-0-1.tar.xz']);
    await applyPrune(plan);
    expect(readdirSync(join(release, 'pkg'))).toEqual(['Pkg-1-1.tar.xz']);
  });
});
