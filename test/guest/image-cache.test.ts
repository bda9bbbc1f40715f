import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { storeInitramfs, removeUnused } from '../../src/guest/linux/image-store.ts';
import { cachedInitramfs } from '../../src/guest/linux/image-cache.ts';
import { identityOf } from '../../src/io/file-identity.ts';
import { userCacheDirectory } from '../../src/io/user-dirs.ts';
import { collectStages } from '../../src/api/vm-stages.ts';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

test('only images and controllers that were not used for a long time are removed from the cache', async () => {
  const home = await mkdtemp(join(tmpdir(), 'cyg-'));
  const environment = { XDG_CACHE_HOME: home };
  const cacheDir = userCacheDirectory(environment);
  try {
    const nowMs = Date.now();
    const made = async (path: string, ageMs: number): Promise<void> => {
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, 'x');
      const then = new Date(nowMs - ageMs);
      await utimes(path, then, then);
      if (path.endsWith('/ram')) await utimes(join(path, '..'), then, then);
    };
    await made(join(cacheDir, 'images/old.cpio'), 31 * DAY_MS);
    await made(join(cacheDir, 'images/new.cpio'), 29 * DAY_MS);
    await made(join(cacheDir, 'images/.part-x/ram'), 2 * DAY_MS);
    await made(join(cacheDir, 'images/.part-y/ram'), 2 * HOUR_MS);
    await made(join(cacheDir, 'kernels/.part-z/ram'), 2 * DAY_MS);
    await made(join(cacheDir, 'controllers/old/ram'), 31 * DAY_MS);
    await made(join(cacheDir, 'controllers/new/ram'), 2 * HOUR_MS);
    await made(join(cacheDir, 'kernels/old'), 100 * DAY_MS);

    const entries = [{ kind: 'file', path: 'init', content: 'used' }] as const;
    const image = await storeInitramfs(cacheDir, entries);
    const longAgo = new Date(nowMs - 100 * DAY_MS);
    await utimes(image.path, longAgo, longAgo);
    // Using it sets its time.
    expect(await storeInitramfs(cacheDir, entries)).toEqual(image);

    const { images } = await collectStages({ nowMs }, { env: environment });
    expect([...images].sort()).toEqual(
      ['controllers/old', 'images/.part-x', 'images/old.cpio', 'kernels/.part-z'].map((name) => join(cacheDir, name)),
    );
    expect((await readdir(join(cacheDir, 'images'))).sort()).toEqual(
      ['.part-y', `${image.key}.cpio`, 'new.cpio'].sort(),
    );

    // What was used within the last hour stays, even with `unusedMs` 0.
    expect((await removeUnused(cacheDir, { unusedMs: 0, nowMs })).sort()).toEqual(
      ['controllers/new', 'images/.part-y', 'images/new.cpio'].map((name) => join(cacheDir, name)),
    );
    expect((await readFile(image.path)).length).toBe(image.sizeBytes);
    expect(await readdir(join(cacheDir, 'kernels'))).toEqual(['old']);
    expect(await removeUnused(join(cacheDir, 'none'), { unusedMs: 0, nowMs })).toEqual([]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

test('an image is made again when its recipe, a source file or the image changes', async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), 'cyg-'));
  try {
    const [program, watched] = [join(cacheDir, 'program'), join(cacheDir, 'watched')];
    await writeFile(program, 'one');
    let reads = 0;
    const made = async (parts: unknown = 'a') =>
      cachedInitramfs(cacheDir, {
        name: 'test',
        parts,
        watchedFiles: [watched],
        entries: async () => {
          reads++;
          const from = { path: program, identity: await identityOf(program) };
          return [
            { kind: 'file', path: 'program', content: await readFile(program), from },
            { kind: 'file', path: 'own', content: JSON.stringify(parts) },
          ];
        },
      });
    /** Counts the reads of the sources during `work`. */
    const readsFor = async <T>(work: () => Promise<T>): Promise<{ got: T; times: number }> => {
      const before = reads;
      return { got: await work(), times: reads - before };
    };
    const { got: first } = await readsFor(made);
    expect(await readsFor(made)).toEqual({ got: first, times: 0 });

    const { mtime, atime } = await stat(program);
    await writeFile(program, 'two');
    await utimes(program, atime, mtime);
    const { got: second, times } = await readsFor(made);
    expect({ times, isSame: second.key === first.key }).toEqual({ times: 1, isSame: false });
    expect((await readsFor(async () => made('b'))).times).toBe(1);
    expect(await readsFor(made)).toEqual({ got: second, times: 1 });
    await writeFile(watched, '');
    expect(await readsFor(made)).toEqual({ got: second, times: 1 });

    // An image that is damaged or removed is made again.
    const bytes = await readFile(second.path);
    await chmod(second.path, 0o644);
    await writeFile(second.path, Buffer.alloc(bytes.length));
    expect(await readsFor(made)).toEqual({ got: second, times: 1 });
    expect((await readFile(second.path)).equals(bytes)).toBe(true);
    await rm(second.path);
    expect(await readsFor(made)).toEqual({ got: second, times: 1 });
    const longAgo = new Date(Date.now() - 2 * DAY_MS);
    await utimes(second.path, longAgo, longAgo);
    const record = join(cacheDir, 'images/test.json');
    await writeFile(
      record,
      JSON.stringify({
        ...(JSON.parse(await readFile(record, 'utf8')) as object),
        identity: await identityOf(second.path),
      }),
    );
    expect(await readsFor(made)).toEqual({ got: second, times: 0 });
    expect(Date.now() - (await stat(second.path)).mtimeMs).toBeLessThan(HOUR_MS);
    expect(await readsFor(made)).toEqual({ got: second, times: 0 });
    // A damaged record is a cache miss.
    const complete = JSON.parse(await readFile(record, 'utf8')) as object;
    for (const text of ['', '{', 'null', '{}', JSON.stringify({ ...complete, sources: undefined })]) {
      await writeFile(record, text);
      expect(await readsFor(made)).toEqual({ got: second, times: 1 });
    }
  } finally {
    await rm(cacheDir, { recursive: true, force: true });
  }
});
