import fc from 'fast-check';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyBundle } from '../../src/api/bundle-apply.ts';
import { fetchRepo } from '../../src/api/fetch.ts';
import { pruneRepo } from '../../src/api/prune.ts';
import { printLock } from '../../src/core/lock/print.ts';
import { CygstrapError } from '../../src/errors.ts';
import { expect } from 'vitest';
import { lock } from '../core/lock/support.ts';
import { writeTree } from '../repo/support.ts';
import { tarOf } from '../support/tar.ts';
import { attack } from './support.ts';

/** The files of a user, beside and in the place of those of an index; all with the same content. */
const MINE = [
  'package.json',
  '.git/config',
  '.npmrc',
  'setup-x86_64.exe',
  'src/main.c',
  'src/release/mine.tar.xz',
  'doc/a.txt',
  'x86_64/release/mine.tar.xz',
  'x86_64/release/mine.tar.xz.part',
  'release/x/readme',
  'release/mine',
  'x86_64/notes.txt',
];
const CONTENT = 'my own';

const sha512 = (text: string): string => createHash('sha512').update(text).digest('hex');

/** A part of a path: names of files of the user, of systems, of setup and of cygstrap, and any text. */
const part = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('release', 'x86_64', 'noarch', 'src', 'x86', 'a', 'a-1.tar.xz', 'x') },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '..',
      '.',
      '',
      '%2e%2e',
      '...',
      '.git',
      'config',
      '.npmrc',
      'package.json',
      'setup-x86_64.exe',
      'main.c',
      'setup.ini',
      'setup.xz',
      'setup.zst.sig',
      '.cygstrap',
      'repo.json',
      'placed',
      'verified',
      'lock',
      'index',
      'mine',
      'mine.tar.xz',
      'mine.tar.xz.part',
      'readme',
      'notes.txt',
      'a.part',
      'a.tmp',
      'a.part.json',
      'link',
      'C:',
      'con',
      'NUL.tar',
      'a:b',
      'a\\..\\b',
      '~',
      '$HOME',
      'RELEASE',
      'X86_64',
      '\u202e',
      'a\u0000b',
      'a ',
      'ä',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
);
const hostilePath = fc
  .tuple(
    fc.constantFrom('', '', 'release/', 'x86_64/release/', 'src/release/', '/', '../', '\\'),
    fc.array(part, { minLength: 1, maxLength: 4 }),
  )
  .map(([start, parts]) => `${start}${parts.join('/')}`);
const hostilePaths = fc.array(hostilePath, { minLength: 1, maxLength: 3 });

/** All names below a directory with their content, those of cygstrap and of the sites aside. */
function treeOf(directory: string): Map<string, string> {
  const tree = new Map<string, string>();
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (/^(?:repo\/\.cygstrap|site|hostile)(?:\/|$)/.test(name)) continue;
    const status = lstatSync(join(directory, name));
    if (status.isDirectory()) continue;
    tree.set(
      name,
      status.isSymbolicLink() ? readlinkSync(join(directory, name)) : readFileSync(join(directory, name), 'latin1'),
    );
  }
  return tree;
}

/** Runs `work` with the directory of a user, and checks that it created files only below the directories of archives
 *  and as the index, and that each file of the user is as before. */
async function inProject(work: (repo: string, outside: string) => Promise<unknown>): Promise<void> {
  const outside = mkdtempSync(join(tmpdir(), 'cygstrap-attack-'));
  const repo = join(outside, 'repo');
  try {
    writeTree(repo, Object.fromEntries(MINE.map((path) => [path, CONTENT])));
    mkdirSync(join(outside, 'elsewhere'));
    symlinkSync('../../../elsewhere', join(repo, 'x86_64/release/link'));
    const before = treeOf(outside);
    try {
      await work(repo, outside);
    } catch (error) {
      if (!(error instanceof CygstrapError)) throw error;
    }
    const after = treeOf(outside);
    for (const [name, content] of before) expect(after.get(name), name).toBe(content);
    for (const name of after.keys())
      if (!before.has(name))
        expect(name).toMatch(
          /^repo\/(?:(?:x86|x86_64|aarch64|noarch|src)\/)?release\/|^repo\/x86_64\/setup\.ini$|^[a-z.]+$/,
        );
  } finally {
    rmSync(outside, { recursive: true, force: true });
  }
}

/** A string as setup.ini has it between blanks; other characters end the path or the line. */
const word = (path: string): string => path.replaceAll(/[\s"\0]/g, '_');

/** Writes a site whose index lists the paths; it has an archive for each that can be a file there. */
function writeSite(site: string, paths: readonly string[]): void {
  const packages = paths.map(
    (path, i) => `@ p${i}\nsdesc: "p"\nversion: 1-1\ninstall: ${word(path)} 7 ${sha512('archive')}\n`,
  );
  writeTree(site, {
    'x86_64/setup.ini': `release: cygwin\narch: x86_64\nsetup-timestamp: 1700000000\n\n${packages.join('\n')}`,
  });
  for (const path of paths.map(word)) {
    if (!/^(?:[\w-][\w.-]*\/)*[\w-][\w.-]*$/.test(path)) continue;
    try {
      writeTree(site, { [path]: 'archive' });
    } catch {
      // Another path has a file in the place of its directory.
    }
  }
}

attack(
  'an index with hostile paths, fetched into the directory of a project',
  'every file of the project stays as it was; files are created only below the release directories',
  { count: 300, from: hostilePaths },
  (paths) =>
    inProject(async (repo, outside) => {
      const site = join(outside, 'site');
      writeSite(site, paths);
      await fetchRepo({ repo, sites: [site], all: true, unsigned: true });
    }),
);

attack(
  'an index with hostile paths, then one without, and a pruning of what nothing lists',
  'only files that the first fetch put there are deleted',
  { count: 100, from: hostilePaths },
  (paths) =>
    inProject(async (repo, outside) => {
      const site = join(outside, 'site');
      writeSite(site, ['x86_64/release/good.tar.xz']);
      for (const each of paths) {
        const hostile = join(outside, 'hostile');
        rmSync(hostile, { recursive: true, force: true });
        writeSite(hostile, [each]);
        await fetchRepo({ repo, sites: [hostile], all: true, unsigned: true }).catch((error: unknown) => {
          if (!(error instanceof CygstrapError)) throw error;
        });
      }
      rmSync(join(outside, 'hostile'), { recursive: true, force: true });
      await fetchRepo({ repo, sites: [site], all: true, unsigned: true });
      await pruneRepo({ repo, confirmed: true });
      const archives = [...treeOf(repo).keys()].filter((path) => !path.startsWith('.cygstrap') && !MINE.includes(path));
      expect(archives.toSorted()).toEqual(['x86_64/release/good.tar.xz', 'x86_64/release/link', 'x86_64/setup.ini']);
    }),
);

attack(
  'a bundle with hostile paths in its lock, its index or its members',
  'every file of the project stays as it was; files are created only below the release directories',
  { count: 300, from: fc.tuple(hostilePaths, fc.boolean()) },
  ([paths, isListed]) =>
    inProject(async (repo, outside) => {
      const bundle = join(outside, 'new.tar');
      writeTree(outside, { 'new.tar': await hostileBundle(paths, isListed) });
      await applyBundle({ bundle, repo, lock: join(outside, 'new.lock.json') });
    }),
);

/** A bundle whose members have the paths; `isListed`: its lock and index have them, too. */
async function hostileBundle(paths: readonly string[], isListed: boolean): Promise<Buffer> {
  const listed = isListed ? [...new Set(paths)] : [];
  const packages = listed.map((path, i) => ({
    name: `p${i}`,
    version: '1-1',
    index: 0,
    path,
    size: 7,
    sha512: sha512('archive'),
  }));
  const text = printLock(lock(packages, { packages: packages.map(({ name }) => name) }));
  const index = packages.map(
    ({ name, path }) => `@ ${name}\nsdesc: "p"\nversion: 1-1\ninstall: ${word(path)} 7 ${sha512('archive')}\n`,
  );
  const ini = `# cygstrap: lists only what this repo has\nrelease: cygwin\narch: x86_64\n\n${index.join('\n')}`;
  const head = { 'cygstrap.lock.json': text, 'index/setup.ini': ini };
  const members = Object.entries(head).map(([name, bytes]) => ({
    name,
    size: Buffer.byteLength(bytes),
    sha512: sha512(bytes),
  }));
  return tarOf([
    { name: 'bundle.json', bytes: JSON.stringify({ schema: 1, members }) },
    ...Object.entries(head).map(([name, bytes]) => ({ name, bytes })),
    ...paths.map((path) => ({ name: `repo/${path.replaceAll('\0', '_')}`, bytes: 'archive' })),
  ]);
}
