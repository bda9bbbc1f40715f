import { mkdirSync, readFileSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RepoFile } from '../../src/repo/files/file.ts';
import { LARGE, SMALL } from './store-support.ts';
import { bytesOf, fileOf, openStore, sourceOf, temporaryDirectory, writeTree } from './support.ts';

describe('presence', () => {
  test('a directory whose status cannot be read is an error, not a missing one', async () => {
    const store = await openStore(temporaryDirectory());
    mkdirSync(join(store.places.root, 'x86_64/release'), { recursive: true });
    const file = fileOf(`x86_64/release/${'d'.repeat(300)}/a.tar`, bytesOf(1, 100));
    await expect(store.presence([file])).rejects.toMatchObject({ code: 'io', details: { system: 'ENAMETOOLONG' } });
  });

  test.skipIf(process.platform === 'win32')(
    'a directory that is a link is an error, also for a put (skipped on Windows: links need rights)',
    async () => {
      const [root, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
      const store = await openStore(root);
      symlinkSync(elsewhere, join(root, 'x86_64'));
      const file = fileOf('x86_64/release/p/a.tar', bytesOf(1, 100));
      const error = { code: 'repo', message: expect.stringContaining('x86_64` is a symbolic link') as string };
      await expect(store.presence([file])).rejects.toMatchObject(error);
      await expect(store.put(file, sourceOf(bytesOf(1, 100)))).rejects.toMatchObject(error);
      expect(readdirSync(elsewhere)).toEqual([]);
    },
  );

  const files = [
    fileOf('x86_64/release/a/a-1.tar.xz', SMALL),
    fileOf('noarch/release/b/b-1.tar.xz', LARGE),
    fileOf('x86_64/release/c/c-1.tar.xz', SMALL, 'md5'),
  ];
  const [a, b, c] = files as [RepoFile, RepoFile, RepoFile];

  async function filled(root: string): Promise<void> {
    const store = await openStore(root);
    for (const file of files) await store.put(file, sourceOf(file === b ? LARGE : SMALL));
    await store.close();
  }

  async function readBytes(
    root: string,
    wanted: readonly RepoFile[],
  ): Promise<{ present: string[]; absent: string[]; damaged: string[]; bytes: number }> {
    const store = await openStore(root);
    let bytes = 0;
    const { present, absent, damaged } = await store.presence(wanted, { onBytes: (more) => (bytes += more) });
    await store.close();
    const paths = (list: readonly RepoFile[]): string[] => list.map(({ path }) => path);
    return { present: paths(present), absent: paths(absent), damaged: paths(damaged), bytes };
  }

  const all = files.map(({ path }) => path);

  test('does not read files that were verified and have not changed', async () => {
    const root = temporaryDirectory();
    await filled(root);
    expect(await readBytes(root, files)).toEqual({ present: all, absent: [], damaged: [], bytes: 0 });
  });

  test('reads unverified files once', async () => {
    const root = temporaryDirectory();
    writeTree(root, { [a.path]: SMALL, [b.path]: LARGE, [c.path]: SMALL });
    for (const path of all) utimesSync(join(root, path), 1e9, 1e9);
    // The time of the status cannot be set, so the files are read later.
    const later = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000);
    onTestFinished(() => later.mockRestore());
    const first = await readBytes(root, files).catch(async () => ({ bytes: -1 }));
    expect(first).toMatchObject({ present: all, bytes: 2 * SMALL.length + LARGE.length });
    expect(await readBytes(root, files)).toMatchObject({ present: all, bytes: 0 });
  });

  test('does not record a file that is too young to detect a later change', async () => {
    const root = temporaryDirectory();
    writeTree(root, { [a.path]: SMALL });
    expect(await readBytes(root, [a])).toMatchObject({ bytes: SMALL.length });
    expect(await readBytes(root, [a])).toMatchObject({ bytes: SMALL.length });
  });

  test.each<[string, (path: string) => void]>([
    ['content', (path) => writeFileSync(path, bytesOf(7, SMALL.length))],
    ['size', (path) => writeFileSync(path, 'short')],
  ])('sees a change of the %s, also right after the put', async (_name, change) => {
    const root = temporaryDirectory();
    const store = await openStore(root);
    await store.put(a, sourceOf(SMALL));
    await store.sync();
    change(join(root, a.path));
    expect((await store.presence([a])).damaged).toEqual([a]);
    await store.close();
    expect(await readBytes(root, [a])).toMatchObject({ present: [], damaged: [a.path] });
  });

  test('ignores cache entries for another content and entries that are cut off', async () => {
    const root = temporaryDirectory();
    await filled(root);
    expect(await readBytes(root, [{ ...a, digest: fileOf(a.path, bytesOf(8, SMALL.length)).digest }])).toMatchObject({
      present: [],
      damaged: [a.path],
    });
    await filled(root);
    const cache = join(root, '.cygstrap/verified');
    writeFileSync(cache, readFileSync(cache).subarray(0, -20));
    expect(await readBytes(root, files)).toMatchObject({ present: all, bytes: SMALL.length });
    writeFileSync(cache, 'something else');
    expect(await readBytes(root, files)).toMatchObject({ present: all, bytes: 2 * SMALL.length + LARGE.length });
  });

  test('lists absent files once for each path', async () => {
    const root = temporaryDirectory();
    await filled(root);
    const absent = fileOf('x86_64/release/d/d-1.tar.xz', SMALL);
    expect(await readBytes(root, [absent, ...files, absent])).toMatchObject({ present: all, absent: [absent.path] });
  });
});
