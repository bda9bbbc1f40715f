import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Lock } from '../../src/core/lock/lock.ts';
import type { RepoFile } from '../../src/repo/files/file.ts';
import type { IndexInForce } from '../../src/repo/index-files.ts';
import { applyPrune, planPrune } from '../../src/repo/prune.ts';
import type { PrunePlan } from '../../src/repo/prune.ts';
import { publishFull, publishSubset } from '../../src/repo/publish.ts';
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

const BYTES = bytesOf(1, 1000);
const [OLD, NOW, SOURCE, BOTH] = [
  'x86_64/release/a/a-1.tar.xz',
  'x86_64/release/a/a-2.tar.xz',
  'x86_64/release/a/a-2-src.tar.xz',
  'noarch/release/b/b-1.tar.xz',
].map((path) => fileOf(path, BYTES)) as [RepoFile, RepoFile, RepoFile, RepoFile];

function lockOf(...files: RepoFile[]): Lock {
  const packages = files.map(({ path, sizeBytes, digest }) => ({
    name: path,
    version: '1',
    index: 0,
    path,
    size: sizeBytes,
    sha512: digest?.hex ?? '',
  }));
  const request = {
    packages: [],
    categories: [],
    buildDepends: [],
    base: true,
    test: false,
    source: false,
    windows: '10.0.19045',
    arch: 'x86_64',
  };
  return { schema: 1, resolver: 'test', request, indexes: [], packages };
}

const NOTHING = { locks: [], pathsOf: async () => [] };

/** The paths of an index that lists NOW (with its source) and BOTH. */
async function listedPaths({ isSubset }: IndexInForce): Promise<string[]> {
  expect(isSubset).toBe(true);
  return [NOW.path, SOURCE.path, BOTH.path];
}

/** A repo with all four files, of which the index lists all but the old one. */
async function repo(kind: 'subset' | 'full' | 'none' = 'subset'): Promise<string> {
  const root = temporaryDirectory();
  const store = await openStore(root);
  const files = await Promise.all([OLD, NOW, SOURCE, BOTH].map((file) => store.put(file, sourceOf(BYTES))));
  const text = indexOf([
    { name: 'a', version: '2', file: NOW, source: SOURCE },
    { name: 'b', version: '1', file: BOTH },
  ]);
  if (kind === 'subset')
    await publishSubset(store, 'x86_64', subsetIndex({ header: {}, records: recordsOf(text), files }));
  if (kind === 'full')
    await publishFull(store, 'x86_64', { form: 'ini', bytes: Buffer.from(text), signature: undefined });
  await store.close();
  return root;
}

const removed = ({ remove }: PrunePlan): string[] => remove.map(({ path }) => path);

describe('pruning', () => {
  test('plans to delete files that the index does not list, and deletes nothing', async () => {
    const root = await repo();
    const before = treeOf(root);
    const plan = await planPrune(root, { locks: [], pathsOf: listedPaths });
    expect(plan).toMatchObject({ remove: [{ path: OLD.path, sizeBytes: 1000 }], removeBytes: 1000, keptFiles: 3 });
    expect(treeOf(root)).toEqual(before);
    await applyPrune(plan);
    expect(Object.keys(treeOf(root)).toSorted()).toEqual(
      [NOW.path, SOURCE.path, BOTH.path, 'x86_64/setup.ini'].toSorted(),
    );
    expect((await planPrune(root, { locks: [], pathsOf: listedPaths })).remove).toEqual([]);
  });

  test('keeps the files of a lock', async () => {
    const root = await repo();
    expect(removed(await planPrune(root, { locks: [lockOf(OLD)], pathsOf: listedPaths }))).toEqual([]);
  });

  test('keeps the files of locks if the index is that of a site, and requires a lock', async () => {
    const root = await repo('full');
    expect(removed(await planPrune(root, { ...NOTHING, locks: [lockOf(BOTH), lockOf(OLD)] }))).toEqual([
      SOURCE.path,
      NOW.path,
    ]);
    await expect(planPrune(root, NOTHING)).rejects.toMatchObject({
      code: 'repo',
      message: expect.stringContaining('no list of the files to keep') as string,
    });
    await expect(planPrune(await repo('none'), NOTHING)).rejects.toMatchObject({ code: 'repo' });
  });

  test('deletes unfinished files, and keeps what cygstrap did not put there', async () => {
    const root = await repo();
    const kept = {
      'setup-x86_64.exe': 'x',
      'notes/x.txt': 'x',
      'src/main.c': 'x',
      'x86_64/setup.ini.sig': 'x',
      [`${NOW.path}.part`]: 'x',
      [`${NOW.path}.part.json`]: 'x',
    };
    const gone = [`${OLD.path}.part`, `${OLD.path}.part.json`, `${NOW.path}.part.cached`, `${NOW.path}.tmp`];
    const foreign = ['release/old/x', 'x86/release/y', 'x86_64/notes.txt', `${NOW.path}.txt`, 'src/release/z.part'];
    writeTree(root, {
      ...kept,
      ...Object.fromEntries(foreign.map((path) => [path, 'x'])),
      ...Object.fromEntries(gone.map((path) => [path, 'x'])),
    });
    symlinkSync('/etc', join(root, 'x86_64/release/link'));
    const plan = await planPrune(root, { locks: [], pathsOf: listedPaths });
    expect(removed(plan)).toEqual([OLD.path, ...gone].toSorted());
    expect(plan.foreign.toSorted()).toEqual(foreign.toSorted());
    await applyPrune(plan);
    expect(Object.keys(treeOf(root))).toEqual(expect.arrayContaining([...Object.keys(kept), ...foreign]));
    expect(readdirSync(join(root, 'x86_64/release')).toSorted()).toEqual(['a', 'link']);
    expect(existsSync('/etc/passwd')).toBe(true);
  });

  test('requires the marker of cygstrap', async () => {
    const root = temporaryDirectory();
    writeTree(root, { 'x86_64/release/a': 'x', 'x86_64/setup.ini': 'x' });
    await expect(planPrune(root, { ...NOTHING, locks: [lockOf(OLD)] })).rejects.toMatchObject({
      code: 'repo',
      message: expect.stringContaining('not a repo of cygstrap') as string,
    });
    expect(Object.keys(treeOf(root))).toHaveLength(2);
  });

  test('is refused if the index has changed since the plan', async () => {
    const root = await repo();
    const plan = await planPrune(root, { locks: [], pathsOf: listedPaths });
    writeFileSync(join(root, 'x86_64/setup.ini'), 'another');
    await expect(applyPrune(plan)).rejects.toMatchObject({
      code: 'repo',
      message: expect.stringContaining('changed') as string,
    });
    expect(existsSync(join(root, OLD.path))).toBe(true);
  });

  test('stops with the signal', async () => {
    const root = await repo();
    const reason = new Error('stopped');
    await expect(
      applyPrune(await planPrune(root, { locks: [], pathsOf: listedPaths }), { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
    expect(existsSync(join(root, OLD.path))).toBe(true);
  });

  test('removes deleted files from the verification cache', async () => {
    const root = await repo();
    await applyPrune(await planPrune(root, { locks: [], pathsOf: listedPaths }));
    const store = await openStore(root);
    expect(await store.presence([OLD, NOW])).toMatchObject({ absent: [OLD], present: [{ path: NOW.path }] });
  });
});
