import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKey } from 'openpgp';
import { beforeAll, describe, expect, test } from 'vitest';
import { resolveBatch } from '../../src/api/batch.ts';
import { loadCatalog } from '../../src/api/load-catalog.ts';
import type { LoadedCatalog } from '../../src/api/load-catalog.ts';
import { readLock } from '../../src/api/lock-file.ts';
import { loadProject } from '../../src/api/project.ts';
import { readInstalled } from '../../src/api/request.ts';
import { listSites } from '../../src/api/sites.ts';
import { commandLines } from '../../src/api/vm-run.ts';
import { EMPTY_REQUEST } from '../../src/core/resolve/request.ts';
import type { Event } from '../../src/events.ts';
import { readKeyring } from '../../src/trust/keyring.ts';
import { emptyDirectory } from '../io/support.ts';

/** What was read of a file, and what was reported. */
interface Reading {
  readonly values: readonly unknown[];
  readonly notes: readonly string[];
}

interface Kind {
  /** Two entries, or one JSON value. */
  readonly text: string;
  readonly read: (path: string) => Promise<Reading>;
}

let loaded: LoadedCatalog;
beforeAll(async () => {
  loaded = await loadCatalog(['fixtures/demo/setup.ini'], { cacheDirectory: null });
});

async function armoredKey(name: string): Promise<string> {
  const { publicKey } = await generateKey({ type: 'curve25519', userIDs: [{ name }], format: 'object' });
  return publicKey.armor().replaceAll('\r\n', '\n');
}

async function reported<T>(read: (report: (event: Event) => void) => Promise<readonly T[]>): Promise<Reading> {
  const notes: string[] = [];
  const values = await read((event) => {
    if (event.kind === 'warning') notes.push(event.message);
  });
  return { values, notes };
}

const KINDS: Readonly<Record<string, Kind>> = {
  'installed.db': {
    text: 'INSTALLED.DB 3\nbash bash-5.2-1.tar.bz2 0\ncoreutils coreutils-9.4-1.tar.bz2 1\n',
    read: (path) => reported((report) => readInstalled(path, report)),
  },
  'mirrors.lst': {
    text: 'http://a.example/;a.example;Europe;Spain\nhttp://b.example/;b.example;Asia;Japan\n',
    read: async (path) => {
      const { sites, faults } = await listSites({ list: path });
      return { values: sites, notes: faults.map(({ line, message }) => `line ${line} is ${message}`) };
    },
  },
  '--each': {
    text: 'echo first\nrm -rf /tmp/build\n',
    read: (path) => reported((report) => commandLines(path, report)),
  },
  '--batch': {
    text: '{"packages":["vim"]}\n{"packages":["curl"]}\n',
    read: async (path) => {
      const values: unknown[] = [];
      const notes: string[] = [];
      for await (const answer of resolveBatch(loaded, createReadStream(path), EMPTY_REQUEST)) {
        if (answer.kind === 'failed') notes.push(answer.error.message);
        else values.push(answer);
      }
      return { values, notes };
    },
  },
  keyring: {
    text: (await armoredKey('first')) + (await armoredKey('second')),
    read: async (path) => {
      const { keys } = await readKeyring([path]);
      return { values: keys.map(({ fingerprint }) => fingerprint), notes: [] };
    },
  },
  'cygstrap.json': {
    text: '{\n  "packages": ["vim"],\n  "base": false\n}\n',
    read: async (path) => ({ values: [(await loadProject(path)).config], notes: [] }),
  },
  'cygstrap.lock.json': {
    text: readFileSync('fixtures/lock/sample.lock.json', 'utf8'),
    read: async (path) => ({ values: [await readLock(path)], notes: [] }),
  },
};

async function read(kind: string, text: string): Promise<Reading> {
  const path = join(emptyDirectory(), 'file');
  writeFileSync(path, text, 'latin1');
  return KINDS[kind]!.read(path);
}

const textOf = (kind: string): string => Buffer.from(KINDS[kind]!.text).toString('latin1');
const isJson = (kind: string): boolean => kind.endsWith('.json');
const BOM = Buffer.from('\ufeff').toString('latin1');

describe.each(Object.keys(KINDS))('%s', (kind) => {
  test('with LF, with CR LF and with a byte order mark: the same', async () => {
    const whole = await read(kind, textOf(kind));
    expect(whole.notes).toEqual([]);
    expect(whole.values).toHaveLength(isJson(kind) ? 1 : 2);
    expect(await read(kind, textOf(kind).replaceAll('\n', '\r\n'))).toEqual(whole);
    expect(await read(kind, BOM + textOf(kind))).toEqual(whole);
  });
});

/** What a damage of each kind of file must lead to: the number of entries that are still read and what is reported, or
 *  an error. */
type Expected = readonly [values: number, ...notes: RegExp[]] | RegExp;

const BAD_JSON = /file:\d+: |not valid UTF-8/;
const BAD_KEY = /the keyring `.*` contains no OpenPGP public key/;
const DAMAGES: Readonly<Record<string, (text: string) => string>> = {
  'without the last line end': (text) => text.slice(0, -1),
  'cut in the last line': (text) => text.slice(0, -12),
  'without the first line': (text) => text.slice(text.indexOf('\n') + 1),
  'with a NUL byte in the first entry': (text) =>
    text.replace(/(bash|a\.example|first|vim|BEGIN[^]{200}|schema)/, '$1\0'),
  'with invalid UTF-8 in the first entry': (text) =>
    text.replace(/(bash|a\.example|first|vim|BEGIN[^]{200}|schema)/, '$1\xff'),
  'of NUL bytes': (text) => '\0'.repeat(text.length),
  empty: () => '',
  'of blank lines': () => '\n \n',
};

const EXPECTED: Readonly<Record<string, readonly Expected[]>> = {
  'installed.db': [
    [2, /file:3: the last line has no line end/],
    [1, /file:3: the file is cut in this line, and its package does not count/],
    [2, /file:1: the first line is not `INSTALLED.DB 3`/],
    /file:2: expected/,
    /file:2: expected/,
    [0, /file:1: the first line/, /file:1: the file is cut/],
    [0, /file` is empty/],
    [0, /file` is empty/],
  ],
  'mirrors.lst': [
    [2, /line 2 is without a line end/],
    [2, /line 2 is without a line end/],
    [1],
    [1, /line 1 is not text/],
    /not valid UTF-8/,
    /line 1 is not text/,
    /no mirror in/,
    /no mirror in/,
  ],
  '--each': [
    [2, /file:2: the last command has no line end/],
    [2, /file:2: the last command has no line end/],
    [1],
    /file:1: a NUL byte/,
    /file:1: invalid UTF-8/,
    /file:1: a NUL byte/,
    [0, /no command line/],
    [0, /no command line/],
  ],
  '--batch': [
    [2],
    [1, /line 2: expected a JSON object/],
    [1],
    [1, /line 1: a NUL byte/],
    [1, /line 1: invalid UTF-8/],
    [0, /line 1: a NUL byte/],
    [0],
    [0],
  ],
  keyring: [[2], BAD_KEY, BAD_KEY, [2], [2], BAD_KEY, BAD_KEY, BAD_KEY],
  'cygstrap.json': [[1], BAD_JSON, BAD_JSON, BAD_JSON, BAD_JSON, BAD_JSON, BAD_JSON, BAD_JSON],
  'cygstrap.lock.json': [[1], BAD_JSON, BAD_JSON, BAD_JSON, BAD_JSON, BAD_JSON, BAD_JSON, BAD_JSON],
};

describe.each(Object.entries(EXPECTED))('%s', (kind, expectations) => {
  test.each(Object.keys(DAMAGES).map((damage, i) => [damage, expectations[i]!] as const))(
    '%s',
    async (damage, expected) => {
      const text = DAMAGES[damage]!(textOf(kind));
      if (expected instanceof RegExp) {
        await expect(read(kind, text)).rejects.toThrow(expected);
        return;
      }
      const [values, ...notes] = expected;
      const reading = await read(kind, text);
      expect(reading.values).toHaveLength(values);
      expect(reading.notes).toEqual(notes.map((note) => expect.stringMatching(note) as unknown));
    },
  );
});
