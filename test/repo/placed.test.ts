import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { auditRepo } from '../../src/repo/audit.ts';
import { placedFilesOf } from '../../src/repo/claim.ts';
import { publishFull } from '../../src/repo/publish.ts';
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

const BYTES = bytesOf(1, 1000);
const OTHER = bytesOf(2, 1000);
const INI = 'release: cygwin\narch: x86_64\nsetup-timestamp: 1\n';
const file = (name: string) => fileOf(`x86_64/release/${name}`, BYTES);
const placedPaths = (root: string) => [...readFileSync(join(root, '.cygstrap/placed'), 'utf8').matchAll(/"(.+)"/g)];
const isPlaced = (root: string, path: string): boolean => placedFilesOf(root, (each) => each).has(path);

describe('files that cygstrap did not put there', () => {
  test('are all reported in one error, and nothing is changed', async () => {
    const root = temporaryDirectory();
    writeTree(root, {
      'x86_64/release/a/a.tar.xz': 'my own',
      'x86_64/release/b.tar.xz/inner': 'my own',
      'x86_64/release/dir': 'my own',
      'x86_64/release/d.tar.xz.part': 'my own',
      'x86_64/release/d.tar.xz.part.json': 'my own',
      'x86_64/release/e.tar.xz.part.cached': 'my own',
      'x86_64/setup.ini': '[Startup]\nAppName=another program\n',
      'x86_64/setup.xz.sig': 'my own',
      'setup-x86_64.exe': 'my own',
    });
    symlinkSync('/etc/hostname', join(root, 'x86_64/release/c.tar.xz'));
    const before = treeOf(root);
    const store = await openStore(root);
    const names = ['a/a.tar.xz', 'b.tar.xz', 'c.tar.xz', 'd.tar.xz', 'dir/x.tar.xz', 'e.tar.xz', 'free.tar.xz'];
    const presence = await store.presence(names.map(file));
    const named = [fileOf('x86_64/release/x', BYTES).path, 'setup-x86_64.exe' as ReturnType<typeof file>['path']];
    const refusal = (): void => store.requireFree(presence, { arch: 'x86_64', named });
    expect(refusal).toThrow(
      expect.objectContaining({
        code: 'repo',
        message: `\`${root}\` has files in the way that cygstrap did not put there:
  - \`setup-x86_64.exe\`: a file
  - \`x86_64/release/a/a.tar.xz\`: a file with another content
  - \`x86_64/release/b.tar.xz\`: a directory
  - \`x86_64/release/c.tar.xz\`: a symbolic link
  - \`x86_64/release/d.tar.xz.part\`: a file
  - \`x86_64/release/d.tar.xz.part.json\`: a file
  - \`x86_64/release/dir\`: a file, where a directory is needed
  - \`x86_64/release/e.tar.xz.part.cached\`: a file
  - \`x86_64/setup.ini\`: a file, but not an index of packages
  - \`x86_64/setup.xz.sig\`: a file, but not a signature`,
        hint: 'move them away, or use another directory',
      }),
    );
    for (const name of names.slice(0, -1))
      await expect(store.put(file(name), noSource)).rejects.toMatchObject({ code: 'repo' });
    await expect(
      publishFull(store, 'x86_64', { form: 'ini', bytes: Buffer.from(INI), signature: undefined }),
    ).rejects.toMatchObject({ code: 'repo', message: expect.stringContaining('in the way') as string });
    expect(treeOf(root)).toEqual(before);
  });

  test('are adopted if they have the wanted content', async () => {
    const root = temporaryDirectory();
    writeTree(root, { 'x86_64/release/a.tar.xz': BYTES });
    const store = await openStore(root);
    const presence = await store.presence([file('a.tar.xz')]);
    expect(presence).toMatchObject({ present: [{ path: 'x86_64/release/a.tar.xz' }], clashes: [] });
    expect(isPlaced(root, 'x86_64/release/a.tar.xz')).toBe(false);
    await store.reserve([file('a.tar.xz')]);
    expect(isPlaced(root, 'x86_64/release/a.tar.xz')).toBe(true);
  });

  test('stay in the way when the command is repeated', async () => {
    const root = temporaryDirectory();
    writeTree(root, { 'x86_64/release/a.tar.xz': OTHER });
    for (let turn = 0; turn < 3; turn++) {
      const store = await openStore(root);
      await expect(store.put(file('a.tar.xz'), noSource)).rejects.toMatchObject({ code: 'repo' });
      await store.close();
    }
    expect(readFileSync(join(root, 'x86_64/release/a.tar.xz')).equals(OTHER)).toBe(true);
  });

  test('are not written to through links in `.cygstrap`', async () => {
    for (const name of ['placed', 'verified', 'repo.json', 'index']) {
      const [root, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
      await (await openStore(root)).close();
      rmSync(join(root, '.cygstrap', name), { force: true });
      writeTree(elsewhere, { 'mine/x': '' });
      symlinkSync(join(elsewhere, 'mine'), join(root, '.cygstrap', name));
      await expect(openStore(root)).rejects.toMatchObject({
        code: 'repo',
        message: expect.stringContaining('symbolic link') as string,
      });
    }
  });
});

describe('the list of placed files', () => {
  test('has a file before its download starts, and after a power cut the next run replaces it', async () => {
    const root = temporaryDirectory();
    const store = await openStore(root);
    let isListed = false;
    await store.put(file('a.tar.xz'), async () => {
      isListed = isPlaced(root, 'x86_64/release/a.tar.xz');
      return { startByte: 0, validator: undefined, chunks: piecesOf(BYTES) };
    });
    expect(isListed).toBe(true);
    await store.close();
    // The data of a file that was not flushed can be lost, and its name be there.
    writeFileSync(join(root, 'x86_64/release/a.tar.xz'), Buffer.alloc(1000));
    const again = await openStore(root);
    const presence = await again.presence([file('a.tar.xz')]);
    expect(presence.damaged).toHaveLength(1);
    again.requireFree(presence);
    await again.put(file('a.tar.xz'), sourceOf(BYTES));
    expect(readFileSync(join(root, 'x86_64/release/a.tar.xz')).equals(BYTES)).toBe(true);
  });

  test('survives a line that was cut off, which lists nothing', async () => {
    const root = temporaryDirectory();
    const store = await openStore(root);
    await store.put(file('a.tar.xz'), sourceOf(BYTES));
    await store.close();
    appendFileSync(join(root, '.cygstrap/placed'), '\n"x86_64/release/mine.tar');
    const next = await openStore(root);
    await next.put(file('b.tar.xz'), sourceOf(BYTES));
    await next.close();
    const paths = ['a.tar.xz', 'b.tar.xz', 'mine.tar', 'mine.tar.xz'].filter((name) =>
      isPlaced(root, `x86_64/release/${name}`),
    );
    expect(paths).toEqual(['a.tar.xz', 'b.tar.xz']);
  });

  test('of another format is refused', async () => {
    const root = temporaryDirectory();
    await (await openStore(root)).close();
    writeFileSync(join(root, '.cygstrap/placed'), 'cygstrap placed files 9\n');
    await expect(openStore(root)).rejects.toMatchObject({
      code: 'repo',
      hint: expect.stringContaining('later') as string,
    });
  });

  test('of a download directory of setup has its archives and unfinished files', async () => {
    const site = 'http%3a%2f%2fh%2f';
    for (const base of ['', `${site}/`]) {
      const root = temporaryDirectory();
      const archives = ['x86_64/release/a/a.tar.xz', 'noarch/release/b.tar.zst', 'src/release/c-src.tar.bz2'];
      const others = ['x86_64/release/a/readme', 'x86_64/a.tar.xz', 'notes.tar.gz', 'release/.hidden/a.tar'];
      const tree = ['x86_64/release/t.tar.xz.tmp', ...archives, ...others].map((path) => [`${base}${path}`, 'x']);
      writeTree(root, { [`${base}x86_64/setup.ini`]: INI, ...Object.fromEntries(tree) });
      await (await openStore(root, {}, base === '' ? undefined : 'http://h/')).close();
      expect(placedPaths(root).map(([, path]) => path)).toEqual(
        expect.arrayContaining([...archives, 'x86_64/release/t.tar.xz'].map((path) => `${base}${path}`)),
      );
      expect(placedPaths(root)).toHaveLength(4);
    }
  });

  test('of a repo of an earlier version has its archives and what it verified', async () => {
    const root = temporaryDirectory();
    const store = await openStore(root);
    await store.put(file('a.tar.xz'), sourceOf(BYTES));
    await store.close();
    rmSync(join(root, '.cygstrap/placed'));
    const hex = file('a').digest?.hex;
    writeFileSync(
      join(root, '.cygstrap/verified'),
      `cygstrap verified files 2\nsha512:${hex} 7 8 9 setup-x86_64.exe\n- 0 0 0 gone\n`,
    );
    writeTree(root, { 'x86_64/release/readme': 'my own' });
    expect(isPlaced(root, 'setup-x86_64.exe')).toBe(true);
    await (await openStore(root)).close();
    expect(placedPaths(root).map(([, path]) => path)).toEqual(['setup-x86_64.exe', 'x86_64/release/a.tar.xz']);
  });

  test('has an index that was damaged, which is replaced', async () => {
    const root = temporaryDirectory();
    const store = await openStore(root);
    const publish = () =>
      publishFull(store, 'x86_64', { form: 'ini', bytes: Buffer.from(INI), signature: Buffer.from('any') });
    await publish();
    for (const name of ['setup.ini', 'setup.ini.sig']) writeFileSync(join(root, 'x86_64', name), 'damaged');
    expect(await publish()).toMatchObject({ isChanged: true });
    expect(readFileSync(join(root, 'x86_64/setup.ini'), 'utf8')).toBe(INI);
  });

  test('is kept for files that have a hard link elsewhere: the other name keeps its content', async () => {
    const [root, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
    writeTree(elsewhere, { mine: 'my own' });
    const store = await openStore(root);
    await store.reserve([file('a.tar.xz')]);
    mkdirSync(dirname(join(root, file('a.tar.xz').path)), { recursive: true });
    linkSync(join(elsewhere, 'mine'), join(root, file('a.tar.xz').path));
    await store.put(file('a.tar.xz'), sourceOf(BYTES));
    expect(readFileSync(join(elsewhere, 'mine'), 'utf8')).toBe('my own');
  });

  test('does not change what an audit finds, and an audit writes no list', async () => {
    const root = temporaryDirectory();
    writeTree(root, { 'x86_64/release/a.tar.xz': OTHER, 'x86_64/setup.ini': INI });
    const { findings } = await auditRepo(root, [{ files: [file('a.tar.xz')], isComplete: true }]);
    expect(findings).toMatchObject([{ kind: 'damaged', path: 'x86_64/release/a.tar.xz' }]);
    expect(existsSync(join(root, '.cygstrap'))).toBe(false);
    expect(readdirSync(root)).toEqual(['x86_64']);
  });
});
