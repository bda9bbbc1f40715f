import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/events.ts';
import { distinctFiles, longPaths } from '../../src/repo/files/path-conflicts.ts';
import type { RepoPath } from '../../src/repo/files/file.ts';
import { archDirectory, locate, placesOf, siteDirectory, siteOfDirectory } from '../../src/repo/files/layout.ts';
import { parseRepoFiles, parseRepoPath } from '../../src/repo/files/path.ts';
import { claimRepo } from '../../src/repo/claim.ts';
import { inspectRepo } from '../../src/repo/repo.ts';
import { Store } from '../../src/repo/store.ts';
import { archivePathFaults } from '../../src/core/setup-ini/paths.ts';
import { SEED } from '../support/seed.ts';
import { bytesOf, fileOf, noSource, openStore, sourceOf, temporaryDirectory, treeOf, writeTree } from './support.ts';

const BYTES = bytesOf(1, 100);

describe('the directory of a site', () => {
  test.each([
    ['http://127.0.0.1:8765/', 'http%3a%2f%2f127.0.0.1%3a8765%2f'],
    ['http://127.0.0.1:8765', 'http%3a%2f%2f127.0.0.1%3a8765%2f'],
    ['https://mirror.example/pub/cygwin/', 'https%3a%2f%2fmirror.example%2fpub%2fcygwin%2f'],
    ['http://h/~me/a b/', 'http%3a%2f%2fh%2f%7eme%2fa%20b%2f'],
    [
      'http://h/<>"#%{}|\\^~[]`\';?@=&/',
      'http%3a%2f%2fh%2f%3c%3e%22%23%25%7b%7d%7c%5c%5e%7e%5b%5d%60%27%3b%3f%40%3d%26%2f',
    ],
    ['http://h/+,$!*()-_./', 'http%3a%2f%2fh%2f+,$!*()-_.%2f'],
    ['http://h/\u0001\u007f\u00e4/', 'http%3a%2f%2fh%2f%01%7f%c3%a4%2f'],
  ])('%s', (site, directory) => {
    expect(siteDirectory(site)).toBe(directory);
    expect(siteOfDirectory(directory)).toBe(site.endsWith('/') ? site : `${site}/`);
  });

  test('is recognized in any case, but only under a name that setup finds', () => {
    expect(siteOfDirectory('http%3A%2F%2Fh%2F')).toBe('http://h/');
    for (const name of [
      'http://h',
      'x86_64',
      'http%3a%2f%2fh',
      'http%3a%2f%2fa b%2f',
      'http%3a%2f%2f~me%2f',
      '%',
      '%zz%2f',
      '',
    ])
      expect(siteOfDirectory(name)).toBeUndefined();
  });

  test('property: converts back to its site', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const site = Buffer.from(`http://${text}/`).toString();
        expect(siteOfDirectory(siteDirectory(site))).toBe(site);
        expect(siteDirectory(site)).not.toMatch(/[/\\]/);
      }),
      { seed: SEED },
    );
  });

  test('contains the files of a store of that layout', async () => {
    const root = temporaryDirectory();
    const store = await Store.open(root, { kind: 'site', site: 'http://h/' });
    await store.put(fileOf('x86_64/release/a', BYTES), sourceOf(BYTES));
    expect(archDirectory(store.places, 'x86_64')).toBe(join(root, 'http%3a%2f%2fh%2f/x86_64'));
    await store.close();
    expect(Object.keys(treeOf(root))).toEqual(['http%3a%2f%2fh%2f/x86_64/release/a']);
    expect(inspectRepo(root)).toEqual({ kind: 'marked', layout: 'site', bases: ['http%3a%2f%2fh%2f'] });
  });
});

describe('a hostile path', () => {
  const hostile = [
    '../a',
    'x/../../a',
    '/etc/passwd',
    'C:/a',
    'c:a',
    'x\\a',
    '..\\a',
    'x/\0',
    'x/a\nb',
    'con',
    'x/nul.tar.xz',
    'x/COM1',
    'x/a.',
    'x/a ',
    'x//a',
    './a',
    'x/.',
    '',
    'x/%2e%2e/a',
    'x/a:b',
    '~/../a/..',
  ];
  test.each(hostile)('%j is refused', (path) => {
    expect(() => parseRepoPath(path)).toThrow(expect.objectContaining({ code: 'repo' }));
  });

  test('property: every accepted path stays in the repo', () => {
    const root = placesOf('/repo', { kind: 'flat' });
    const piece = fc.constantFrom('..', '.', '/', '\\', 'C:', 'a', 'release/', '%2e', '\0', ' ', 'con', '~');
    fc.assert(
      fc.property(
        fc.array(piece).map((parts) => parts.join('')),
        (path) => {
          if (archivePathFaults(path).length > 0) return;
          const inside = relative('/repo', join(locate(root, parseRepoPath(path))));
          expect(inside).toMatch(/^release\/[^.]/);
        },
      ),
      { seed: SEED, numRuns: 2000 },
    );
  });

  test.each([
    'package.json',
    '.git/config',
    '.npmrc',
    'setup-x86_64.exe',
    'x86_64/setup.ini',
    'x86_64/notes.txt',
    'release',
    'releases/a',
    'Release/a',
    'x86_64/releases/a',
    'arm64/release/a',
    'doc/release/a',
    '.cygstrap/repo.json',
    'release/.git/config',
    'x86_64/release/a/.htaccess',
    'noarch/release/..a/b',
  ])('%s is refused: it is outside of the directories of archives or hidden', (path) => {
    expect(() => parseRepoPath(path)).toThrow(
      expect.objectContaining({
        code: 'repo',
        message: expect.stringMatching(/not below|begins with a dot/) as string,
      }),
    );
  });

  test('all refused paths are in one error', () => {
    const paths = Array.from({ length: 30 }, (_, i) => `a${i}`);
    const files = [...paths, 'release/a', 'a0'].map((path) => ({ path, sizeBytes: 1, digest: undefined }));
    expect(() => parseRepoFiles(files)).toThrow(
      expect.objectContaining({
        code: 'repo',
        message: expect.stringMatching(
          /^30 paths are refused:\n  - `a0` is not .*\n  - \.\.\. and 10 more$/s,
        ) as string,
        details: { refused: Object.fromEntries(paths.map((path) => [path, expect.any(String) as string])) },
      }),
    );
  });

  test.each([
    'x86_64/release/setup.ini',
    'release/a/setup.zst.sig',
    'release/SETUP.xz',
    'x86_64/release/a.part',
    'x86_64/release/a.part.json',
    'x86_64/release/a.TMP',
  ])('%s is reserved', (path) => {
    expect(() => parseRepoPath(path)).toThrow(
      expect.objectContaining({ code: 'repo', message: expect.stringContaining('reserved for') as string }),
    );
  });

  test('an architecture must be a valid name', () => {
    expect(() => archDirectory(placesOf('/repo', { kind: 'flat' }), '../x')).toThrow(
      expect.objectContaining({ code: 'repo' }),
    );
  });
});

describe('files of one plan', () => {
  const paths = (...names: string[]) => names.map((name) => fileOf(name, BYTES));
  test('are returned once each', () => {
    expect(distinctFiles(paths('release/a', 'release/b', 'release/a')).map(({ path }) => path)).toEqual([
      'release/a',
      'release/b',
    ]);
  });

  test.each([
    ['in case only', paths('x86_64/release/Foo/a', 'x86_64/release/foo/A')],
    ['in the way an umlaut is written', paths('release/\u00e4', 'release/a\u0308')],
    ['in content', [fileOf('release/a', BYTES), fileOf('release/a', bytesOf(2, 100))]],
    ['by one being a directory of the other', paths('release/a/b/c', 'release/a')],
    ['by one being a directory of the other, in another case', paths('release/y', 'release/A', 'release/a/b/c')],
  ])('that differ %s are refused', (_name, files) => {
    expect(() => distinctFiles(files)).toThrow(expect.objectContaining({ code: 'repo' }));
    expect(() => distinctFiles(files.toReversed())).toThrow(expect.objectContaining({ code: 'repo' }));
  });

  test('may share directories that differ in case', () => {
    expect(distinctFiles(paths('release/Foo/a', 'release/foo/b'))).toHaveLength(2);
  });

  test('with paths that are too long for Windows are counted', () => {
    const long = `release/${'n'.repeat(184)}`;
    expect(longPaths(paths('release/a', long), '')).toBeUndefined();
    expect(longPaths(paths('release/a', long), 'http%3a%2f%2fh%2f')).toEqual({ count: 1, longest: long });
  });
});

describe('a directory', () => {
  const site = 'http%3a%2f%2fh%2f';
  test.each<[string, Record<string, string>, string, string[]]>([
    ['that is not there', {}, 'free', []],
    ['with something else in it', { 'notes.txt': 'x' }, 'free', []],
    ['that setup would install from', { 'x86_64/setup.ini': 'x' }, 'flat', ['']],
    ['with archives of the shared tree only', { 'noarch/release/a': 'x' }, 'flat', ['']],
    [
      'that setup downloaded into',
      { [`${site}/x86_64/setup.ini`]: 'x', [`${site}/x86_64/release/a.tmp`]: '' },
      'site',
      [site],
    ],
    [
      'with an index that hides the ones below it',
      { 'x86/setup.bz2': 'x', [`${site}/x86_64/release/a`]: '' },
      'flat',
      ['', site],
    ],
    ['where archives would go', { 'x86_64/build/a.o': 'x' }, 'foreign', []],
    ['with an empty index', { 'x86_64/setup.ini': '' }, 'foreign', []],
  ])('%s is known for what it is', (_name, files, kind, bases) => {
    const root = temporaryDirectory();
    writeTree(root, files);
    expect(inspectRepo(root)).toEqual({ kind, bases });
  });

  test('of setup is adopted, verified and completed in place', async () => {
    const root = temporaryDirectory();
    const [intact, damaged, absent] = ['a', 'b', 'c'].map((name) => fileOf(`x86_64/release/${name}.tar.xz`, BYTES)) as [
      ReturnType<typeof fileOf>,
      ReturnType<typeof fileOf>,
      ReturnType<typeof fileOf>,
    ];
    writeTree(root, {
      'x86_64/setup.ini': 'release: cygwin\narch: x86_64\n',
      [intact.path]: BYTES,
      [damaged.path]: bytesOf(2, 100),
      [`${absent.path}.tmp`]: BYTES,
    });
    const events: Event[] = [];
    const store = await openStore(root, { report: (event) => events.push(event) });
    const presence = await store.presence([intact, damaged, absent]);
    expect(presence).toMatchObject({ present: [{ path: intact.path }], damaged: [damaged], absent: [absent] });
    for (const file of [damaged, absent]) await store.put(file, sourceOf(BYTES));
    expect((await store.presence([intact, damaged, absent])).present).toHaveLength(3);
    expect(existsSync(join(root, `${absent.path}.tmp`))).toBe(true);
    expect(events).toMatchObject([
      { kind: 'note', message: expect.stringContaining('download directory of setup') as string },
    ]);
  });

  test.each<[string, Record<string, string>, 'flat' | 'site']>([
    ['that is foreign', { 'noarch/x': 'x' }, 'flat'],
    ['of the other layout', { 'x86_64/setup.ini': 'x' }, 'site'],
    ['of the other layout too', { [`${site}/x86_64/setup.ini`]: 'x' }, 'flat'],
    ['with a marker nobody can read', { '.cygstrap/repo.json': '{"schema":2}' }, 'flat'],
    ['with a marker that is cut', { '.cygstrap/repo.json': '{"sch' }, 'flat'],
  ])('%s is refused, and left as it is', async (_name, files, kind) => {
    const root = temporaryDirectory();
    writeTree(root, files);
    const before = readdirSync(root, { recursive: true });
    await expect(Store.open(root, kind === 'flat' ? { kind } : { kind, site: 'http://h/' })).rejects.toMatchObject({
      code: 'repo',
    });
    expect(readdirSync(root, { recursive: true })).toEqual(before);
  });

  test('is marked once, with its layout', async () => {
    const root = join(temporaryDirectory(), 'deep', 'repo');
    mkdirSync(join(root, '.cygstrap'), { recursive: true });
    await claimRepo(root, 'site');
    const marker = readFileSync(join(root, '.cygstrap/repo.json'), 'utf8');
    expect(marker).toBe('{"schema":1,"layout":"site"}\n');
    await claimRepo(root, 'site');
    expect(readFileSync(join(root, '.cygstrap/repo.json'), 'utf8')).toBe(marker);
    await expect(claimRepo(root, 'flat')).rejects.toMatchObject({ code: 'repo' });
  });
});

test('only the store and the audit make verified files', () => {
  const src = join(import.meta.dirname, '../../src');
  const users = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && /\bverifiedFile\b/.test(readFileSync(join(src, path), 'utf8')))
    .toSorted();
  expect(users).toEqual(['repo/audit.ts', 'repo/presence.ts', 'repo/store.ts', 'repo/verified.ts']);
});

test('a path that was not parsed is a type error', async () => {
  const store = await openStore(temporaryDirectory());
  // @ts-expect-error a string is no RepoPath
  const path: RepoPath = 'x86_64/release/a';
  await expect(store.put({ ...fileOf(path, BYTES), digest: undefined }, noSource)).rejects.toMatchObject({
    code: 'verify',
  });
});
