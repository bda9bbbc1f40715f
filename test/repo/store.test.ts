import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Event } from '../../src/events.ts';
import type { RepoFile } from '../../src/repo/files/file.ts';
import { parseRepoPath } from '../../src/repo/files/path.ts';
import type { Resume } from '../../src/repo/files/source.ts';
import { VerifyError } from '../../src/repo/files/verify-error.ts';
import { brokenAfter, faultOf, LARGE, opening, PATH, SMALL } from './store-support.ts';
import {
  bytesOf,
  fileOf,
  noSource,
  openStore,
  piecesOf,
  sourceOf,
  temporaryDirectory,
  treeOf,
  writeTree,
} from './support.ts';

const sizes = [
  { name: 'small', bytes: SMALL },
  { name: 'large', bytes: LARGE },
] as const;

describe.each(sizes)('a $name file', ({ bytes }) => {
  test.each(['sha512', 'md5'] as const)('with its %s is stored', async (algorithm) => {
    const root = temporaryDirectory();
    const store = await openStore(root);
    const file = fileOf(PATH, bytes, algorithm);
    const verified = await store.put(file, sourceOf(bytes));
    expect(verified).toEqual({ ...file, location: join(root, PATH), proof: algorithm });
    expect(readFileSync(verified.location).equals(bytes)).toBe(true);
    expect(Object.keys(treeOf(root))).toEqual([PATH]);
  });

  test('reports its bytes as they arrive', async () => {
    const store = await openStore(temporaryDirectory());
    let counted = 0;
    await store.put(fileOf(PATH, bytes), sourceOf(bytes), { onBytes: (more) => (counted += more) });
    expect(counted).toBe(bytes.length);
  });

  test.each([1, 7, 1 << 20, (1 << 20) + 1, 5 << 20])('may arrive in chunks of %d bytes', async (pieceBytes) => {
    if (pieceBytes < 8 && bytes.length > 100_000) pieceBytes = 1_009;
    const store = await openStore(temporaryDirectory());
    const { location } = await store.put(fileOf(PATH, bytes), sourceOf(bytes, { pieceBytes }));
    expect(readFileSync(location).equals(bytes)).toBe(true);
  });

  const faults: [string, RepoFile, () => AsyncIterable<Uint8Array>, Partial<VerifyError['details']>][] = [
    [
      'short',
      fileOf(PATH, bytes),
      () => piecesOf(bytes.subarray(0, -1)),
      { actual: `${bytes.length - 1} bytes`, bytes: bytes.length - 1 },
    ],
    ['empty', fileOf(PATH, bytes), () => piecesOf(Buffer.alloc(0)), { actual: '0 bytes', bytes: 0 }],
    [
      'long by one byte',
      fileOf(PATH, bytes),
      () => piecesOf(Buffer.concat([bytes, Buffer.alloc(1)])),
      { actual: 'more', expected: `${bytes.length} bytes` },
    ],
    ['without end', fileOf(PATH, bytes), endless, { actual: 'more' }],
    [
      'of the right size and wrong content',
      fileOf(PATH, bytes),
      () => piecesOf(bytesOf(9, bytes.length)),
      { expected: `sha512:${fileOf(PATH, bytes).digest?.hex}`, bytes: bytes.length },
    ],
    [
      'wrong by its md5',
      fileOf(PATH, bytes, 'md5'),
      () => piecesOf(bytesOf(9, bytes.length)),
      { expected: `md5:${fileOf(PATH, bytes, 'md5').digest?.hex}` },
    ],
  ];
  test.each(faults)('that is %s is refused, and nothing of it remains', async (_name, file, chunks, details) => {
    const root = temporaryDirectory();
    const store = await openStore(root);
    const error = await faultOf(store.put(file, opening(chunks)));
    expect(error.code).toBe('verify');
    expect(error.details).toMatchObject({ path: PATH, ...details });
    expect(treeOf(root)).toEqual({});
    await store.put(fileOf(PATH, bytes), sourceOf(bytes));
    expect(Object.keys(treeOf(root))).toEqual([PATH]);
  });

  test('without a digest is refused unless that is allowed, and is then verified by its size', async () => {
    const root = temporaryDirectory();
    const file: RepoFile = { ...fileOf(PATH, bytes), digest: undefined };
    const strict = await openStore(root);
    const error = await faultOf(strict.put(file, noSource));
    expect(error.hint).toContain('--allow-undigested');
    await strict.close();
    const store = await openStore(root, { allowUndigested: true });
    await faultOf(
      store.put(
        file,
        opening(() => piecesOf(bytes.subarray(1))),
      ),
    );
    expect(await store.put(file, sourceOf(bytes))).toMatchObject({ proof: 'size' });
  });

  test('that breaks off throws the error of the source, and the old file stays', async () => {
    const root = temporaryDirectory();
    const store = await openStore(root);
    await store.put(fileOf(PATH, Buffer.from('old')), sourceOf(Buffer.from('old')));
    const reset = new Error('connection reset');
    await expect(
      store.put(
        fileOf(PATH, bytes),
        opening(() => brokenAfter(bytes, bytes.length / 2, reset)),
      ),
    ).rejects.toBe(reset);
    expect(readFileSync(join(root, PATH), 'utf8')).toBe('old');
    await expect(store.put(fileOf(PATH, bytes), async () => Promise.reject(reset))).rejects.toBe(reset);
    await store.put(fileOf(PATH, bytes), sourceOf(bytes));
    expect(Object.keys(treeOf(root))).toEqual([PATH]);
  });

  test('ends at once when the signal is aborted, even while the source sends nothing', async () => {
    const root = temporaryDirectory();
    const store = await openStore(root);
    const abort = new AbortController();
    const reason = new Error('stopped by the user');
    let isClosed = false;
    let hearAgain = (): void => {};
    const givenUp = new Promise<void>((resolve) => (hearAgain = resolve));
    async function* silent(): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        yield bytes.subarray(0, 1000);
        setImmediate(() => abort.abort(reason));
        await givenUp;
        yield bytes.subarray(1000);
      } finally {
        isClosed = true;
      }
    }
    await expect(store.put(fileOf(PATH, bytes), opening(silent), { signal: abort.signal })).rejects.toBe(reason);
    hearAgain();
    expect(existsSync(join(root, PATH))).toBe(false);
    await expect(store.put(fileOf(PATH, bytes), noSource, { signal: abort.signal })).rejects.toBe(reason);
    await expect.poll(() => isClosed).toBe(true);
  });

  test('that is put several times concurrently is requested once', async () => {
    const store = await openStore(temporaryDirectory());
    const asked: Resume[] = [];
    const file = fileOf(PATH, bytes);
    const all = await Promise.all(Array.from({ length: 5 }, () => store.put(file, sourceOf(bytes, { asked }))));
    expect(new Set(all).size).toBe(1);
    expect(asked).toHaveLength(1);
    const running = store.put(file, sourceOf(bytes));
    await expect(store.put(fileOf(PATH, bytesOf(3, 10)), noSource)).rejects.toMatchObject({ code: 'repo' });
    await running;
  });
});

async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) yield SMALL;
}

test('a source is read up to the first excess byte', async () => {
  const store = await openStore(temporaryDirectory());
  let pulledBytes = 0;
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      pulledBytes++;
      yield Buffer.from('x');
    }
  }
  await faultOf(store.put(fileOf(PATH, Buffer.from('xxxxxxxxxx')), opening(bytes)));
  expect(pulledBytes).toBe(11);
});

test('many files are stored at the same time, each with its own bytes', async () => {
  const root = temporaryDirectory();
  const store = await openStore(root);
  const files = Array.from({ length: 100 }, (_, i) => ({
    path: `x86_64/release/p${i % 7}/p${i}.tar.xz`,
    bytes: bytesOf(i, i % 10 === 0 ? 1_200_000 + i : 1_000 + i),
  }));
  await Promise.all(files.map(({ path, bytes }) => store.put(fileOf(path, bytes), sourceOf(bytes))));
  for (const { path, bytes } of files) expect(readFileSync(join(root, path)).equals(bytes)).toBe(true);
});

test('an empty file is stored', async () => {
  const store = await openStore(temporaryDirectory());
  const { location } = await store.put(fileOf(PATH, Buffer.alloc(0)), sourceOf(Buffer.alloc(0)));
  expect(statSync(location).size).toBe(0);
});

test.each<[string, Partial<RepoFile>]>([
  ['a negative size', { sizeBytes: -1 }],
  ['a size that is no whole number', { sizeBytes: 1.5 }],
  ['a digest that is too short', { digest: { algorithm: 'sha512', hex: 'ab' } }],
  ['a digest of another kind', { digest: { algorithm: 'md5', hex: 'a'.repeat(128) } }],
  ['a digest in capitals', { digest: { algorithm: 'md5', hex: 'A'.repeat(32) } }],
  ['an empty digest', { digest: { algorithm: 'sha512', hex: '' } }],
])('%s is refused before anything is asked for', async (_name, wrong) => {
  const store = await openStore(temporaryDirectory());
  await faultOf(store.put({ ...fileOf(PATH, SMALL), ...wrong }, noSource));
});

describe('changes by other processes', () => {
  test('a removed directory is created again', async () => {
    const root = temporaryDirectory();
    const store = await openStore(root);
    await store.put(fileOf('x86_64/release/p/a.tar', bytesOf(1, 100)), sourceOf(bytesOf(1, 100)));
    rmSync(join(root, 'x86_64'), { recursive: true });
    await store.put(fileOf('x86_64/release/p/b.tar', bytesOf(2, 100)), sourceOf(bytesOf(2, 100)));
    expect(readFileSync(join(root, 'x86_64/release/p/b.tar')).equals(bytesOf(2, 100))).toBe(true);
  });

  test.skipIf(process.platform !== 'linux')(
    'a store is closed only after a sync that was begun has ended (skipped where there is no `sync -f`)',
    async () => {
      const root = temporaryDirectory();
      const store = await openStore(root);
      for (let i = 0; i < 20; i++)
        await store.put(fileOf(`x86_64/release/p${i}/a.tar`, bytesOf(i, 100)), sourceOf(bytesOf(i, 100)));
      const programs = temporaryDirectory();
      const pipe = join(programs, 'pipe');
      execFileSync('mkfifo', [pipe]);
      writeFileSync(join(programs, 'sync'), `#!/bin/sh\ncat ${pipe}\n`, { mode: 0o755 });
      vi.stubEnv('PATH', `${programs}:${process.env['PATH']}`);
      onTestFinished(() => void vi.unstubAllEnvs());
      const order: string[] = [];
      const syncing = store.sync().then(() => order.push('synced'));
      const closing = store.close().then(() => order.push('closed'));
      // Opens when the program reads the pipe, which ends it when it is closed.
      const writer = await open(pipe, 'w');
      expect(order).toEqual([]);
      await writer.close();
      await closing;
      expect(order).toEqual(['synced', 'closed']);
      await syncing;
    },
  );
});

test('files with MD5 only are reported once', async () => {
  const events: Event[] = [];
  const store = await openStore(temporaryDirectory(), { report: (event) => events.push(event) });
  for (const name of ['a', 'b']) await store.put(fileOf(`x86_64/release/${name}`, SMALL, 'md5'), sourceOf(SMALL));
  expect(events).toMatchObject([{ kind: 'warning', message: expect.stringContaining('SHA-512') as string }]);
});

test('a path that is too long is an error', async () => {
  const store = await openStore(temporaryDirectory());
  const path = parseRepoPath(`x86_64/release/${'n'.repeat(300)}`);
  await expect(store.put({ ...fileOf(PATH, SMALL), path }, sourceOf(SMALL))).rejects.toMatchObject({
    code: 'io',
    message: expect.stringContaining('too long') as string,
  });
});

test('a file instead of a directory is an error', async () => {
  const root = temporaryDirectory();
  const store = await openStore(root);
  writeTree(root, { 'x86_64/release': 'a file' });
  await expect(store.put(fileOf(PATH, SMALL), sourceOf(SMALL))).rejects.toMatchObject({
    code: 'repo',
    message: expect.stringContaining('where a directory is needed') as string,
  });
  await store.reserve([fileOf(PATH, SMALL)]);
  await expect(store.put(fileOf(PATH, SMALL), sourceOf(SMALL))).rejects.toMatchObject({ code: 'io' });
  expect(readdirSync(root).toSorted()).toEqual(['.cygstrap', 'x86_64']);
});
