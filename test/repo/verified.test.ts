import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Event } from '../../src/events.ts';
import type { RepoFile } from '../../src/repo/files/file.ts';
import { asOrdinaryUser } from '../support/user.ts';
import { bytesOf, fileOf, noSource, openStore, sourceOf, temporaryDirectory } from './support.ts';

const BYTES = bytesOf(1, 20_000);
const FILE = fileOf('x86_64/release/a/a-1.tar.xz', BYTES);

/** A repo with FILE, which is recorded as verified. */
async function filled(cacheDir?: string): Promise<string> {
  const root = temporaryDirectory();
  const store = await openStore(root, cacheDir === undefined ? {} : { cacheDir });
  await store.put(FILE, sourceOf(BYTES));
  await store.close();
  return root;
}

async function presenceIn(root: string, files: readonly RepoFile[] = [FILE]) {
  const store = await openStore(root);
  const { present, readFiles, damaged } = await store.presence(files);
  await store.close();
  return { present: present.length, readFiles, damaged: damaged.length };
}

/** Changes a byte of a file, and sets its times back, as `touch -r` does. */
function editWithOldTimes(location: string): void {
  const { atimeNs, mtimeNs } = statSync(location, { bigint: true });
  const bytes = readFileSync(location);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  const { mode } = statSync(location);
  chmodSync(location, 0o644);
  writeFileSync(location, bytes, { flag: 'r+' });
  chmodSync(location, mode);
  utimesSync(location, Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9);
}

/** Moves the clock of this process until the test ends. */
function moveClock(byMs: number): void {
  const now = Date.now();
  const spy = vi.spyOn(Date, 'now').mockReturnValue(now + byMs);
  onTestFinished(() => spy.mockRestore());
}

const YEAR_MS = 365 * 24 * 3600 * 1000;

describe('a verified file', () => {
  test('that was edited, with its times set back, is read again and found damaged', async () => {
    const root = await filled();
    expect(await presenceIn(root)).toEqual({ present: 1, readFiles: 0, damaged: 0 });
    editWithOldTimes(join(root, FILE.path));
    expect(await presenceIn(root)).toEqual({ present: 0, readFiles: 0, damaged: 1 });
  });

  test.each<[string, (location: string) => void]>([
    ['got another hard link', (location) => linkSync(location, `${location}.other`)],
    ['got other permissions', (location) => chmodSync(location, 0o600)],
    [
      'was renamed and renamed back',
      (location) => (renameSync(location, `${location}.x`), renameSync(`${location}.x`, location)),
    ],
  ])('that %s is read again, and then counts as unchanged', async (_change, change) => {
    const root = await filled();
    change(join(root, FILE.path));
    moveClock(60_000);
    expect(await presenceIn(root)).toEqual({ present: 1, readFiles: 1, damaged: 0 });
    expect(await presenceIn(root)).toEqual({ present: 1, readFiles: 0, damaged: 0 });
  });

  test('of a record without the time of the status is read again', async () => {
    const root = await filled();
    const record = join(root, '.cygstrap/verified');
    const [, digest, size, mtime, , ino] =
      /^(\S+) (\d+) (\d+) (\d+) (\d+) \d+ x86/m.exec(readFileSync(record, 'utf8')) ?? [];
    writeFileSync(record, `cygstrap verified files 2\n${digest} ${size} ${mtime} ${ino} ${FILE.path}\n`);
    expect(await presenceIn(root)).toEqual({ present: 1, readFiles: 1, damaged: 0 });
  });

  test.each([-YEAR_MS, YEAR_MS])(
    'that is stored while the clock moves by %i ms is never wrongly unchanged',
    async (byMs) => {
      const root = temporaryDirectory();
      const store = await openStore(root);
      await store.put(FILE, sourceOf(BYTES));
      moveClock(byMs);
      await store.put(fileOf('x86_64/release/b.tar.xz', BYTES), sourceOf(BYTES));
      await store.close();
      vi.restoreAllMocks();
      const files = [FILE, fileOf('x86_64/release/b.tar.xz', BYTES)];
      expect(await presenceIn(root, files)).toMatchObject({ present: 2, damaged: 0 });
      for (const { path } of files) editWithOldTimes(join(root, path));
      expect(await presenceIn(root, files)).toEqual({ present: 0, readFiles: 0, damaged: 2 });
    },
  );

  test('with times in the future is read each time', async () => {
    const root = await filled();
    const future = Date.now() / 1000 + 365 * 24 * 3600;
    utimesSync(join(root, FILE.path), future, future);
    for (let turn = 0; turn < 3; turn++)
      expect(await presenceIn(root)).toEqual({ present: 1, readFiles: 1, damaged: 0 });
  });
});

describe('files that repos share through the archive cache', () => {
  test('cannot be edited by a user through their hard links', async () => {
    const [cacheDir, root] = [temporaryDirectory(), temporaryDirectory()];
    for (const directory of [cacheDir, root]) if (process.geteuid?.() === 0) chownSync(directory, 65534, 65534);
    await asOrdinaryUser(root, async () => {
      const store = await openStore(root, { cacheDir });
      await store.put(FILE, sourceOf(BYTES));
      await store.close();
      const location = join(root, FILE.path);
      if (statSync(location).nlink > 1)
        expect(() => writeFileSync(location, 'x', { flag: 'r+' })).toThrow(expect.objectContaining({ code: 'EACCES' }));
      // The file can be replaced and deleted nevertheless.
      const next = fileOf(FILE.path, bytesOf(2, 20_000));
      const again = await openStore(root, { cacheDir });
      await again.put(next, sourceOf(bytesOf(2, 20_000)));
      await again.close();
    });
    expect(readFileSync(join(root, FILE.path)).equals(bytesOf(2, 20_000))).toBe(true);
  });

  test('and edited by root in one repo are found damaged in the others, and are not given out', async () => {
    const cacheDir = temporaryDirectory();
    const one = await filled(cacheDir);
    const two = temporaryDirectory();
    const store = await openStore(two, { cacheDir });
    await store.put(FILE, noSource);
    await store.close();
    const isShared = statSync(join(one, FILE.path)).ino === statSync(join(two, FILE.path)).ino;
    editWithOldTimes(join(two, FILE.path));
    if (isShared) expect(await presenceIn(one)).toEqual({ present: 0, readFiles: 0, damaged: 1 });
    expect(await presenceIn(two)).toEqual({ present: 0, readFiles: 0, damaged: 1 });
    const events: Event[] = [];
    const three = await openStore(temporaryDirectory(), { cacheDir, report: (event) => events.push(event) });
    await three.put(FILE, sourceOf(BYTES));
    expect(readFileSync(join(three.places.root, FILE.path)).equals(BYTES)).toBe(true);
    if (isShared) expect(events).toMatchObject([{ message: expect.stringContaining('damaged entry') as string }]);
    await (await openStore(two, { cacheDir })).put(FILE, noSource);
    expect(readFileSync(join(two, FILE.path)).equals(BYTES)).toBe(true);
  });

  test.each(['EPERM', 'ENOTSUP', 'EMLINK', 'EXDEV', 'ENOSYS'])(
    'are copies where hard links fail with %s, and the lock works without them',
    async (code) => {
      failLinks(code);
      const cacheDir = temporaryDirectory();
      const one = await filled(cacheDir);
      const two = temporaryDirectory();
      const store = await openStore(two, { cacheDir });
      const waiting: Event[] = [];
      const second = openStore(two, { cacheDir, report: (event) => waiting.push(event) });
      await store.put(FILE, noSource);
      await vi.waitFor(() =>
        expect(waiting).toMatchObject([{ message: expect.stringContaining('waiting for') as string }]),
      );
      await store.close();
      await (await second).close();
      const places = [one, two].map((root) => join(root, FILE.path));
      expect(places.map((path) => statSync(path).nlink)).toEqual([1, 1]);
      expect(await presenceIn(one)).toEqual({ present: 1, readFiles: 0, damaged: 0 });
      for (const root of [one, two]) {
        expect(existsSync(join(root, '.cygstrap/lock'))).toBe(false);
        expect(readdirSync(join(root, 'x86_64/release/a'))).toEqual(['a-1.tar.xz']);
      }
    },
  );
});

/** Lets all hard links of this process fail until the test ends, as on FAT or some network file systems. */
function failLinks(code: string): void {
  const { linkSync: original } = fs;
  const { link } = fs.promises;
  const failure = (): Error => Object.assign(new Error(`${code}: link`), { code, syscall: 'link' });
  fs.linkSync = () => {
    throw failure();
  };
  fs.promises.link = async () => {
    throw failure();
  };
  syncBuiltinESMExports();
  onTestFinished(() => {
    fs.linkSync = original;
    fs.promises.link = link;
    syncBuiltinESMExports();
  });
}
