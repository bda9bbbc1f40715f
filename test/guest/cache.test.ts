import { mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cachedInitramfs, removeUnused } from '../../src/guest/linux/cache.ts';
import { guestCacheOf } from '../../src/commands/vm-context.ts';
import { collectStages } from '../../src/commands/vm-stages.ts';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

test('what nobody used for long is removed from the cache, and nothing else', async () => {
  const home = await mkdtemp(join(tmpdir(), 'cyg-'));
  const environment = { XDG_CACHE_HOME: home };
  const cacheDir = guestCacheOf({ environment });
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
    await made(join(cacheDir, 'images/.part-x/ram'), 31 * DAY_MS);
    await made(join(cacheDir, 'controllers/old/ram'), 31 * DAY_MS);
    await made(join(cacheDir, 'controllers/new/ram'), 2 * HOUR_MS);
    await made(join(cacheDir, 'kernels/old'), 100 * DAY_MS);

    const entries = [{ kind: 'file', path: 'init', content: 'used' }] as const;
    const image = await cachedInitramfs(cacheDir, entries);
    const longAgo = new Date(nowMs - 100 * DAY_MS);
    await utimes(image.path, longAgo, longAgo);
    // It is used again.
    expect(await cachedInitramfs(cacheDir, entries)).toEqual(image);

    const { images } = await collectStages({ nowMs }, { environment });
    expect([...images].sort()).toEqual(['controllers/old', 'images/.part-x', 'images/old.cpio'].map((name) => join(cacheDir, name)));
    expect((await readdir(join(cacheDir, 'images'))).sort()).toEqual([`${image.key}.cpio`, 'new.cpio'].sort());

    // Whatever is wanted, the last hour stays.
    expect(await removeUnused(cacheDir, { unusedMs: 0, nowMs })).toEqual([join(cacheDir, 'images/new.cpio'), join(cacheDir, 'controllers/new')]);
    expect((await readFile(image.path)).length).toBe(image.sizeBytes);
    expect(await readdir(join(cacheDir, 'kernels'))).toEqual(['old']);
    expect(await removeUnused(join(cacheDir, 'none'), { unusedMs: 0, nowMs })).toEqual([]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
