import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FileMatches } from '../../src/api/file-matches.ts';
import { findFiles, listFiles } from '../../src/api/files.ts';
import type { CatalogVersion } from '../../src/core/catalog/versions.ts';
import type { Event } from '../../src/events.ts';

const RELEASE = join(import.meta.dirname, '../../fixtures/release');

const folder = mkdtempSync(join(tmpdir(), 'cygstrap-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;

function newRepo() {
  const repo = join(folder, `${count++}`);
  cpSync(RELEASE, repo, { recursive: true });
  const events: Event[] = [];
  const cacheDirectory = join(folder, `cache${count}`);
  return { repo, events, context: { cacheDirectory, report: (event: Event) => void events.push(event) } };
}

const BASH = 'x86_64/release/bash/bash-5.2.21-1-x86_64.tar.xz';

/** Changes a byte of a file, and not its size. */
function damage(path: string): void {
  const bytes = readFileSync(path);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

const listedIn = (events: readonly Event[]) =>
  events.flatMap((event) => (event.kind === 'archive-listed' ? event.path : []));

describe('the files of a package', () => {
  test('are listed from its archive, and then from the cache', async () => {
    const { repo, events, context } = newRepo();
    const first = await listFiles({ repo, package: 'bash' }, context);
    expect(first).toMatchObject({
      kind: 'files',
      name: 'bash',
      version: '5.2.21-1',
      archive: { path: BASH },
      files: [
        { path: '/usr/share/doc/bash/README', type: 'file', size: 27 },
        { path: '/etc/postinstall/bash.sh', type: 'file', size: 28 },
      ],
    });
    expect(listedIn(events)).toEqual([BASH]);
    expect(await listFiles({ repo, package: 'bash' }, context)).toEqual(first);
    expect(listedIn(events)).toEqual([BASH]);
    const [cached = ''] = readdirSync(join(context.cacheDirectory, 'lists'));
    writeFileSync(join(context.cacheDirectory, 'lists', cached), 'damaged');
    expect(await listFiles({ repo, package: 'bash' }, context)).toEqual(first);
    expect(listedIn(events)).toEqual([BASH, BASH]);
  });

  test('of a version, of a source, in a repo with directories of sites', async () => {
    const { repo } = newRepo();
    const site = join(repo, 'https%3a%2f%2fmirror.example%2fcygwin%2f');
    mkdirSync(site);
    for (const name of ['x86_64', 'noarch']) renameSync(join(repo, name), join(site, name));
    expect(await listFiles({ repo, package: 'bash=5.1.16-1' })).toMatchObject({ version: '5.1.16-1' });
    expect(await listFiles({ repo, package: 'openssh', source: true })).toMatchObject({
      name: 'openssh-src',
      files: [{ path: '/usr/share/doc/openssh-src/README' }],
    });
  });

  test.each([
    ['bsh', false, 'no package is named `bsh`'],
    ['bash=1', false, '`bash` has no version `1`'],
    ['bash', true, 'the index lists no source of `bash` 5.2.21-1'],
  ])('%s, source %s, is absent', async (name, source, message) => {
    const answer = await listFiles({ repo: RELEASE, package: name, source });
    expect(answer).toMatchObject({ kind: 'absent', error: { code: 'not-found', message } });
  });

  test('a missing archive is absent, a damaged one is an error', async () => {
    const { repo } = newRepo();
    rmSync(join(repo, BASH));
    expect(await listFiles({ repo, package: 'bash' })).toMatchObject({
      kind: 'absent',
      error: { message: `\`${repo}\` does not have \`${BASH}\`` },
    });
    symlinkSync(join(RELEASE, BASH), join(repo, BASH));
    await expect(listFiles({ repo, package: 'bash' })).rejects.toMatchObject({
      code: 'corrupt',
      message: `cannot list the files of \`${BASH}\`: it is not a regular file`,
    });
    rmSync(join(repo, BASH));
    cpSync(join(RELEASE, BASH), join(repo, BASH));
    damage(join(repo, BASH));
    await expect(listFiles({ repo, package: 'bash' })).rejects.toThrow('its sha512 differs from that of the index');
    writeFileSync(join(repo, BASH), '');
    await expect(listFiles({ repo, package: 'bash' })).rejects.toThrow('its size differs from that of the index');
  });

  test('a repo without an index, or without one for the architecture', async () => {
    await expect(listFiles({ repo: join(folder, 'none'), package: 'bash' })).rejects.toMatchObject({
      code: 'not-found',
      hint: 'fill it with `cygstrap fetch`',
    });
    await expect(listFiles({ repo: RELEASE, package: 'bash', arch: 'x86' })).rejects.toMatchObject({
      message: `\`${RELEASE}\` has no index for \`x86\``,
      hint: 'use `--arch x86_64`',
    });
  });
});

describe('a search for a file', () => {
  test('finds the files of all packages, and names those that were not searched', async () => {
    const { repo, events, context } = newRepo();
    rmSync(join(repo, BASH));
    const cygwin = join(repo, 'x86_64/release/cygwin/cygwin-3.5.4-1-x86_64.tar.xz');
    damage(cygwin);
    const result = await findFiles({ repo, pattern: 'README' }, context);
    expect(result.matches.map(({ name, path }) => [name, path])).toEqual([
      ['gcc-core', '/usr/share/doc/gcc-core/README'],
      ['gcc-g++', '/usr/share/doc/gcc-g++/README'],
      ['libssl3', '/usr/share/doc/libssl3/README'],
      ['libstdc++6', '/usr/share/doc/libstdc++6/README'],
      ['openssh', '/usr/share/doc/openssh/README'],
    ]);
    expect(result.unsearched).toEqual([
      { name: 'bash', version: '5.2.21-1' },
      { name: 'cygwin', version: '3.5.4-1', why: 'its sha512 differs from that of the index' },
    ]);
    expect(result.searched).toBe(7);
    const start = events.find(({ kind }) => kind === 'list-start');
    expect(start).toMatchObject({ archives: 8 });
    expect(listedIn(events)).toHaveLength(8);
    expect(await findFiles({ repo, pattern: 'README' }, context)).toEqual(result);
    // Only the damaged archive is read again.
    expect(listedIn(events)).toHaveLength(9);
    expect(statSync(cygwin).size).toBeGreaterThan(0);
  });

  test('archives that cannot be read do not stop it', async () => {
    const { repo, context } = newRepo();
    const index = join(repo, 'x86_64/setup.ini');
    const cygwin = join(repo, 'x86_64/release/cygwin/cygwin-3.5.4-1-x86_64.tar.xz');
    const long = `x86_64/release/${'b'.repeat(300)}/bash-5.2.21-1-x86_64.tar.xz`;
    for (const name of readdirSync(join(repo, 'x86_64')))
      if (name.startsWith('setup.') && name !== 'setup.ini') rmSync(join(repo, 'x86_64', name));
    writeFileSync(index, readFileSync(index, 'utf8').replace(BASH, long));
    const report = (event: Event): void => {
      if (event.kind !== 'list-start') return;
      rmSync(cygwin);
      mkdirSync(cygwin);
      rmSync(join(repo, 'x86_64/release/openssh'), { recursive: true });
    };
    const result = await findFiles({ repo, pattern: 'README' }, { ...context, report });
    expect(result.matches).toHaveLength(4);
    expect(result.searched).toBe(6);
    expect(result.unsearched).toEqual([
      { name: 'bash', version: '5.2.21-1', why: `cannot read \`${long}\`: the path is too long for this file system` },
      {
        name: 'cygwin',
        version: '3.5.4-1',
        why: 'cannot read `x86_64/release/cygwin/cygwin-3.5.4-1-x86_64.tar.xz`: a directory has this name',
      },
      { name: 'openssh', version: '9.8p1-1' },
    ]);
    await expect(listFiles({ repo, package: 'bash' })).rejects.toMatchObject({ code: 'io' });
  });

  test('ends at too many matches', async () => {
    const version = { name: 'a', version: '1-1' } as CatalogVersion;
    const found = await FileMatches.of('b*', 2);
    const member = (path: string) => ({ path, type: 'file', size: 0 }) as const;
    found.search(version, [member('b'), member('b1'), member('c')]);
    expect(found.result()).toMatchObject({ matches: [{ path: '/b' }, { path: '/b1' }], searched: 1 });
    expect(() => found.search(version, [member('b2')])).toThrow(
      expect.objectContaining({
        code: 'limit',
        message: 'more than 2 files match `b*`',
        hint: 'give more of the path',
      }) as Error,
    );
  });

  test('finds nothing', async () => {
    expect(await findFiles({ repo: RELEASE, pattern: '/usr/bin/none' })).toMatchObject({ matches: [], searched: 9 });
  });

  test('stops when it is aborted', async () => {
    const { repo } = newRepo();
    const controller = new AbortController();
    const report = (event: Event): void => {
      if (event.kind === 'archive-listed') controller.abort(new RangeError('stop'));
    };
    const search = findFiles({ repo, pattern: 'README' }, { report, signal: controller.signal, cacheDirectory: null });
    await expect(search).rejects.toThrow('stop');
  });
});
