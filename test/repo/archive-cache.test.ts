import { existsSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/events.ts';
import { faultOf, LARGE, PATH } from './store-support.ts';
import { bytesOf, fileOf, noSource, openStore, sourceOf, temporaryDirectory, treeOf, writeTree } from './support.ts';

describe('the archive cache', () => {
  const file = fileOf(PATH, LARGE);

  test('provides files to a second repo as hard links, without a request', async () => {
    const [one, two, cacheDir] = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory()];
    await (await openStore(one, { cacheDir })).put(file, sourceOf(LARGE));
    const store = await openStore(two, { cacheDir });
    await store.put(file, noSource);
    expect(statSync(join(two, PATH)).ino).toBe(statSync(join(one, PATH)).ino);
    await store.put(file, noSource);
    expect(Object.keys(treeOf(two))).toEqual([PATH]);
  });

  test('is verified: a changed entry is fetched again and replaced', async () => {
    const [one, two, cacheDir] = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory()];
    await (await openStore(one, { cacheDir })).put(file, sourceOf(LARGE));
    writeFileSync(join(one, PATH), bytesOf(4, LARGE.length));
    const events: Event[] = [];
    const store = await openStore(two, { cacheDir, report: (event) => events.push(event) });
    await store.put(file, sourceOf(LARGE));
    expect(readFileSync(join(two, PATH)).equals(LARGE)).toBe(true);
    expect(events).toMatchObject([{ kind: 'note', message: expect.stringContaining('damaged') as string }]);
    await (await openStore(temporaryDirectory(), { cacheDir })).put(file, noSource);
  });

  // A process that was killed between two renames of its temporary file left such a link; see issue 11, defect 6.
  test.each([
    ['.part', 'with'],
    ['.part', 'without'],
    ['.part.cached', 'without'],
  ])('is not written through a hard link that is left as `%s`, %s its note', async (suffix, note) => {
    const [one, two, cacheDir] = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory()];
    await (await openStore(one, { cacheDir })).put(file, sourceOf(LARGE));
    const left = `${join(two, PATH)}${suffix}`;
    mkdirSync(dirname(left), { recursive: true });
    linkSync(join(one, PATH), left);
    const content = `${LARGE.length} sha512:${file.digest?.hex}`;
    if (note === 'with') writeFileSync(`${join(two, PATH)}.part.json`, JSON.stringify({ content, validator: '"one"' }));
    const wrong = bytesOf(5, LARGE.length + 1);
    const store = await openStore(two);
    await store.reserve([file]);
    await faultOf(store.put(file, sourceOf(wrong)));
    expect(readFileSync(join(one, PATH)).equals(LARGE)).toBe(true);
    await store.put(file, sourceOf(LARGE));
    expect(statSync(join(two, PATH)).ino).not.toBe(statSync(join(one, PATH)).ino);
  });

  test('is not written through a part that is a symbolic link', async () => {
    const [root, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
    writeTree(elsewhere, { other: LARGE.subarray(0, 10) });
    mkdirSync(dirname(join(root, PATH)), { recursive: true });
    symlinkSync(join(elsewhere, 'other'), `${join(root, PATH)}.part`);
    writeFileSync(
      `${join(root, PATH)}.part.json`,
      JSON.stringify({ content: `${LARGE.length} sha512:${file.digest?.hex}` }),
    );
    const store = await openStore(root);
    await store.reserve([file]);
    await store.put(file, sourceOf(LARGE));
    expect(statSync(join(elsewhere, 'other')).size).toBe(10);
  });

  test('replaces a file by one rename', async () => {
    const [one, two, cacheDir] = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory()];
    await (await openStore(one, { cacheDir })).put(file, sourceOf(LARGE));
    writeTree(two, { [PATH]: 'old' });
    // A directory cannot be replaced: the only rename of the cached file fails.
    const other = fileOf('x86_64/release/pkg/directory', LARGE);
    mkdirSync(join(two, other.path, 'full'), { recursive: true });
    const store = await openStore(two, { cacheDir });
    await store.reserve([file, other]);
    await expect(store.put(other, noSource)).rejects.toMatchObject({ code: 'io' });
    expect(existsSync(join(two, `${other.path}.part`))).toBe(false);
    await store.put(file, noSource);
    expect(statSync(join(two, PATH)).ino).toBe(statSync(join(one, PATH)).ino);
  });

  test('that is not writable is reported as a note', async () => {
    const root = temporaryDirectory();
    writeTree(root, { 'no-directory': '' });
    const events: Event[] = [];
    const store = await openStore(join(root, 'repo'), {
      cacheDir: join(root, 'no-directory'),
      report: (event) => events.push(event),
    });
    await store.put(file, sourceOf(LARGE));
    expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(['note']));
  });
});
