import { once } from 'node:events';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { indexesInForce } from '../../src/repo/index-files.ts';
import { publishFull, publishSubset } from '../../src/repo/publish.ts';
import type { Store } from '../../src/repo/store.ts';
import { subsetIndex } from '../../src/repo/subset.ts';
import type { VerifiedFile } from '../../src/repo/verified.ts';
import { bytesOf, fileOf, openStore, recordsOf, sourceOf, temporaryDirectory, writeTree } from './support.ts';

const BYTES = { a1: bytesOf(1, 100), a2: bytesOf(2, 200), b1: bytesOf(3, 300), src: bytesOf(4, 400) };
const FILES = {
  a1: fileOf('x86_64/release/a/a-1-1.tar.xz', BYTES.a1),
  a2: fileOf('x86_64/release/a/a-2-1.tar.xz', BYTES.a2),
  b1: fileOf('noarch/release/b/b-1-1.tar.xz', BYTES.b1, 'md5'),
  src: fileOf('x86_64/release/a/a-2-1-src.tar.xz', BYTES.src),
};
const line = (key: string, { path, sizeBytes, digest }: (typeof FILES)['a1']): string =>
  `${key}: ${path} ${sizeBytes} ${digest?.hex}\n`;
const INDEX = `release: cygwin
arch: x86_64
setup-timestamp: 1700000000
setup-version: 2.930

@ a
sdesc: "A, the first"
category: Base Devel
requires: b
version: 2-1
${line('install', FILES.a2)}${line('source', FILES.src)}depends2: b (>= 1)
[prev]
version: 1-1
${line('install', FILES.a1)}
@ b
sdesc: "B"
category: Libs
version: 1-1
${line('install', FILES.b1)}obsoletes: c

@ none
sdesc: "Not here"
category: Libs
version: 1-1
install: x86_64/release/none.tar.xz 1 ${'0'.repeat(128)}
`;
const RECORDS = recordsOf(INDEX);
const HEADER = { release: 'cygwin', arch: 'x86_64', setupTimestamp: 1_700_000_000, setupVersion: '2.930' };

async function filled(store: Store, names: readonly (keyof typeof FILES)[]): Promise<VerifiedFile[]> {
  return Promise.all(names.map((name) => store.put(FILES[name], sourceOf(BYTES[name]))));
}

function listed(text: string | Uint8Array): string[] {
  return recordsOf(text).flatMap(({ name, versions }) =>
    versions.map(({ version, source }) => `${name} ${version}${source === undefined ? '' : ' +source'}`),
  );
}

describe('a subset index', () => {
  test.each<[(keyof typeof FILES)[], string[]]>([
    [
      ['a1', 'a2', 'b1', 'src'],
      ['a 2-1 +source', 'a 1-1', 'b 1-1'],
    ],
    [
      ['a2', 'b1'],
      ['a 2-1', 'b 1-1'],
    ],
    [['a1'], ['a 1-1']],
    [['src', 'b1'], ['b 1-1']],
    [[], []],
  ])('of %j lists what is there', async (names, expected) => {
    const store = await openStore(temporaryDirectory());
    const { text, versions } = subsetIndex({ header: HEADER, records: RECORDS, files: await filled(store, names) });
    expect(listed(text)).toEqual(expected);
    expect(versions).toBe(expected.length);
    expect(text.startsWith('# cygstrap: ')).toBe(true);
  });

  test('keeps the fields of a version', async () => {
    const store = await openStore(temporaryDirectory());
    const { text } = subsetIndex({ header: HEADER, records: RECORDS, files: await filled(store, ['a1', 'b1']) });
    const { line: _, versions: [prev] = [], ...pkg } = recordsOf(text)[0] ?? {};
    expect(pkg).toMatchObject({ name: 'a', sdesc: 'A, the first', categories: ['Base', 'Devel'] });
    expect({ ...prev, line: 0 }).toEqual({ ...RECORDS[0]?.versions[1], line: 0 });
  });

  test('lists only chosen versions, and fails if one of them is missing', async () => {
    const store = await openStore(temporaryDirectory());
    const files = await filled(store, ['a1', 'a2', 'b1']);
    const chosen = new Map([['a', new Set(['2-1'])]]);
    expect(listed(subsetIndex({ header: HEADER, records: RECORDS, chosen, files }).text)).toEqual(['a 2-1']);
    const request = { header: HEADER, records: RECORDS, chosen: new Map([['none', new Set(['1-1'])]]), files };
    expect(() => subsetIndex(request)).toThrow(
      expect.objectContaining({ code: 'repo', message: expect.stringContaining('none 1-1') as string }),
    );
  });

  test('does not list a file that was verified against another digest', async () => {
    const store = await openStore(temporaryDirectory());
    const [other] = [
      await store.put(fileOf(FILES.a1.path, BYTES.a2.subarray(0, 100)), sourceOf(BYTES.a2.subarray(0, 100))),
    ];
    const md5 = await store.put(fileOf(FILES.a2.path, BYTES.a2, 'md5'), sourceOf(BYTES.a2));
    expect(subsetIndex({ header: HEADER, records: RECORDS, files: [other, md5] }).versions).toBe(0);
  });
});

/** The first bytes of indexes that setup has downloaded. */
const STALE = {
  'setup.zst': Buffer.from('28b52ffd00', 'hex'),
  'setup.xz': Buffer.from('fd377a585a0000', 'hex'),
  'setup.bz2': Buffer.from('425a6839', 'hex'),
  'setup.ini': Buffer.from('# a comment\n\nrelease: cygwin\n'),
};

describe('publishing', () => {
  async function published(root: string, sign?: (bytes: Uint8Array) => Promise<Uint8Array>) {
    const store = await openStore(root);
    const index = subsetIndex({ header: HEADER, records: RECORDS, files: await filled(store, ['a2', 'b1']) });
    const result = await publishSubset(store, 'x86_64', index, sign);
    await store.close();
    return { result, text: index.text };
  }

  const archFiles = (root: string): string[] =>
    readdirSync(join(root, 'x86_64'))
      .filter((name) => name !== 'release')
      .toSorted();

  test('leaves only the new index in its directory', async () => {
    const root = temporaryDirectory();
    const signature = Buffer.from([0x89, 0x02]);
    for (const [name, content] of Object.entries({ ...STALE, 'SETUP.XZ': STALE['setup.xz'] }))
      writeTree(root, { [`x86_64/${name}`]: content, [`x86_64/${name}.sig`]: signature });
    const { result, text } = await published(root);
    expect(archFiles(root)).toEqual(['setup.ini']);
    expect(readFileSync(result.location, 'utf8')).toBe(text);
    expect(result).toMatchObject({ form: 'ini', isSigned: false, isChanged: true, sizeBytes: Buffer.byteLength(text) });
    expect(indexesInForce(root, [''])).toMatchObject([
      { path: 'x86_64/setup.ini', isSubset: true, sha512: result.sha512 },
    ]);
  });

  test('with a signature writes both, and replaces both', async () => {
    const root = temporaryDirectory();
    let signed = '';
    const sign = async (bytes: Uint8Array): Promise<Uint8Array> =>
      Buffer.from(`signature of ${(signed = Buffer.from(bytes).toString()).length}`);
    const { text } = await published(root, sign);
    expect(signed).toBe(text);
    expect(archFiles(root)).toEqual(['setup.ini', 'setup.ini.sig']);
    await published(root, async () => Buffer.from('another'));
    expect(readFileSync(join(root, 'x86_64/setup.ini.sig'), 'utf8')).toBe('another');
    await published(root);
    expect(archFiles(root)).toEqual(['setup.ini']);
  });

  test('the same index again writes nothing', async () => {
    const root = temporaryDirectory();
    await published(root);
    const { mtimeMs, ino } = statSync(join(root, 'x86_64/setup.ini'));
    expect((await published(root)).result.isChanged).toBe(false);
    expect(statSync(join(root, 'x86_64/setup.ini'))).toMatchObject({ mtimeMs, ino });
  });

  test('an index of a site keeps its bytes and its signature', async () => {
    const root = temporaryDirectory();
    await published(root);
    const store = await openStore(root);
    const full = { form: 'xz', bytes: Buffer.from('not really xz'), signature: Buffer.from('sig') } as const;
    await publishFull(store, 'x86_64', full);
    expect(archFiles(root)).toEqual(['setup.xz', 'setup.xz.sig']);
    expect(readFileSync(join(root, 'x86_64/setup.xz')).equals(full.bytes)).toBe(true);
    expect(indexesInForce(root, [''])).toMatchObject([{ path: 'x86_64/setup.xz', isSubset: false }]);
    await publishFull(store, 'x86_64', { ...full, form: 'zst' });
    expect(archFiles(root)).toEqual(['setup.zst', 'setup.zst.sig']);
  });

  test('a concurrent reader sees either the old or the new index', async () => {
    const names = ['setup.zst', 'setup.xz', 'setup.bz2'] as const;
    for (let turn = 0; turn < 5; turn++) {
      const root = temporaryDirectory();
      writeTree(root, Object.fromEntries(names.map((name) => [`x86_64/${name}`, STALE[name]])));
      const reader = await watchForms(join(root, 'x86_64'));
      await published(root);
      expect(await reader.stop()).toEqual(['setup.zst', 'setup.ini']);
    }
  });
});

/** Looks, as often as a thread can, which index is in force in a directory; tells them all in their order. */
async function watchForms(directory: string): Promise<{ stop(): Promise<string[]> }> {
  const stopped = new Int32Array(new SharedArrayBuffer(4));
  const program = `
    const { existsSync } = require('node:fs');
    const { parentPort, workerData: { directory, stopped } } = require('node:worker_threads');
    const seen = [];
    const look = () => {
      const names = ['setup.zst', 'setup.xz', 'setup.bz2', 'setup.ini'];
      const found = names.find((name) => existsSync(directory + '/' + name)) ?? 'none';
      if (seen.at(-1) !== found) seen.push(found);
    };
    look();
    parentPort.postMessage('looking');
    while (Atomics.load(stopped, 0) === 0) look();
    look();
    parentPort.postMessage(seen);
  `;
  const worker = new Worker(program, { eval: true, workerData: { directory, stopped } });
  await once(worker, 'message');
  return {
    async stop() {
      Atomics.store(stopped, 0, 1);
      const [seen] = (await once(worker, 'message')) as [string[]];
      await worker.terminate();
      return seen;
    },
  };
}
