import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { makeMedia } from '../../src/api/media.ts';
import type { MediaRequest, MediaResult } from '../../src/api/media.ts';
import { readFloppy } from '../../src/media/read/fat.ts';
import { readIso } from '../../src/media/read/iso.ts';
import { parseText } from '../../src/core/setup-ini/parser/parse.ts';
import { describeWith, sha512, temporaryDirectory } from './support.ts';

const RELEASE = resolve('fixtures/release');
const KEY = join(RELEASE, 'key.gpg');

let base = '';
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'cygstrap-media-'));
  await fetch('repo', 'openssh', 'gcc-core');
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

async function run(...argv: readonly string[]): Promise<{ exit: number; stdout: string; stderr: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const texts = Promise.all([text(stdout), text(stderr)]);
  const exit = await main(argv, {
    stdin: Readable.from([]),
    stdout,
    stderr,
    env: { XDG_CACHE_HOME: join(base, 'cache') },
  });
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { exit, stdout: out, stderr: err };
}

/** `cygstrap fetch` into a repo with a lock beside it. */
async function fetch(repo: string, ...argv: readonly string[]): Promise<{ repo: string; lock: string }> {
  const places = { repo: join(base, repo), lock: join(base, `${repo}.lock.json`) };
  const { exit, stderr } = await run(
    'fetch',
    ...argv,
    '--repo',
    places.repo,
    '--lock',
    places.lock,
    '--site',
    RELEASE,
    '--keyring',
    KEY,
  );
  expect(stderr.replaceAll(/^(?:note|warning): .*\n/gm, '')).toBe('');
  expect(exit).toBe(0);
  return places;
}

let copies = 0;

/** A copy of the repo, to be spoilt. */
function copied(repo = 'repo'): { repo: string; lock: string } {
  const copy = join(base, `copy-${++copies}`);
  cpSync(join(base, repo), copy, { recursive: true, preserveTimestamps: true });
  return { repo: copy, lock: join(base, `${repo}.lock.json`) };
}

async function media(
  request: Pick<MediaRequest, 'repo' | 'lock'> & Partial<MediaRequest>,
  signal?: AbortSignal,
): Promise<MediaResult> {
  return makeMedia(
    { out: join(temporaryDirectory(), 'out'), add: [], keyring: [KEY], ...request },
    { load: {}, report: () => {}, signal },
  );
}

/** Every file of an image, as Windows sees it, with its content. */
async function contentsOf(image: string): Promise<Record<string, Buffer>> {
  const file = await open(image, 'r');
  try {
    const { joliet } = await readIso(file);
    const bytes = readFileSync(image);
    return Object.fromEntries(
      joliet.map(({ path, extents }) => [
        path,
        Buffer.concat(extents.map(({ startByte, sizeBytes }) => bytes.subarray(startByte, startByte + sizeBytes))),
      ]),
    );
  } finally {
    await file.close();
  }
}

const ARCHIVES = [
  'noarch/release/base-files/base-files-4.4-1-noarch.tar.xz',
  'x86_64/release/bash/bash-5.2.21-1-x86_64.tar.xz',
  'x86_64/release/cygwin/cygwin-3.5.4-1-x86_64.tar.xz',
  'x86_64/release/gcc-core/gcc-core-13.2.0-1-x86_64.tar.zst',
  'x86_64/release/libssl3/libssl3-3.0.13-1-x86_64.tar.xz',
  'x86_64/release/openssh/openssh-9.8p1-1-x86_64.tar.zst',
];

function listedIn(index: Buffer | undefined): string[] {
  const { records } = parseText(index?.toString() ?? '', { file: 'setup.ini' });
  return records
    .flatMap(({ versions }) =>
      versions.flatMap(({ install, source }) => [install?.path ?? [], source?.archive.path ?? []].flat()),
    )
    .sort();
}

describeWith(['xorriso'], 'the image of a repo', () => {
  test('contains exactly the archives of the lock and their index', async () => {
    const { repo, lock } = copied();
    const { image, ...facts } = await media({ repo, lock });
    expect(facts).toEqual({
      repo,
      lock,
      answers: null,
      archives: 6,
      sizeBytes: 18_862,
      packages: 6,
      installer: null,
      added: [],
    });
    expect(image).toEqual({
      path: image.path,
      sizeBytes: statSync(image.path).size,
      sha512: sha512(readFileSync(image.path)),
      files: 7,
    });
    const contents = await contentsOf(image.path);
    expect(Object.keys(contents).sort()).toEqual([...ARCHIVES, 'x86_64/setup.ini'].sort());
    for (const [path, bytes] of Object.entries(contents))
      expect(bytes.equals(readFileSync(join(repo, path))), path).toBe(true);
    expect(listedIn(contents['x86_64/setup.ini'])).toEqual(ARCHIVES);
    expect(await run('verify', repo, '--lock', lock)).toMatchObject({ exit: 0 });
  });

  test('is the same for the same lock: from a copy, a larger repo, a repo with the whole index, or the site layout', async () => {
    const { repo, lock } = copied();
    const { image } = await media({ repo, lock });
    const more = await fetch('more', 'openssh', 'gcc-core');
    await run(
      'fetch',
      'devel-set',
      'openssh=9.6p1-1',
      '--source',
      '--prev',
      '1',
      '--repo',
      more.repo,
      '--lock',
      join(base, 'other.lock.json'),
      '--site',
      RELEASE,
      '--keyring',
      KEY,
    );
    expect(existsSync(join(more.repo, 'x86_64/release/openssh/openssh-9.6p1-1-x86_64.tar.xz'))).toBe(true);
    const full = await fetch('full', 'openssh', 'gcc-core', '--full-index');
    expect(existsSync(join(full.repo, 'x86_64/setup.ini'))).toBe(false);
    const site = await fetch('site', 'openssh', 'gcc-core', '--layout', 'site');
    for (const other of [more, full, site]) expect((await media(other)).image.sha512, other.repo).toBe(image.sha512);
    // The index that was kept is a convenience: what setup reads from the repo will do.
    for (const other of [copied(), copied('full')]) {
      rmSync(join(other.repo, '.cygstrap/index'), { recursive: true });
      expect((await media(other)).image.sha512, other.repo).toBe(image.sha512);
    }
  });

  test('contains source archives that are locked', async () => {
    const { image, archives } = await media(await fetch('sources', 'openssh', '--source'));
    const contents = await contentsOf(image.path);
    expect(archives).toBe(Object.keys(contents).length - 1);
    expect(Object.keys(contents)).toContain('x86_64/release/openssh/openssh-9.8p1-1-src.tar.xz');
    expect(listedIn(contents['x86_64/setup.ini'])).toEqual(
      Object.keys(contents)
        .filter((path) => path.includes('release'))
        .sort(),
    );
  });

  test('contains the signature of an index only if it is valid', async () => {
    const same = copied();
    writeFileSync(join(same.repo, 'x86_64/setup.ini.sig'), 'signature');
    expect((await contentsOf((await media(same)).image.path))['x86_64/setup.ini.sig']?.toString()).toBe('signature');
    appendFileSync(join(same.repo, 'x86_64/setup.ini'), '\n');
    expect(Object.keys(await contentsOf((await media(same)).image.path))).not.toContain('x86_64/setup.ini.sig');
  });

  test('contains the setup program only with a valid signature', async () => {
    const { repo, lock } = copied();
    // Any signed bytes will do; nobody runs them.
    cpSync(join(RELEASE, 'x86_64/setup.xz'), join(repo, 'setup-x86_64.exe'));
    await expect(media({ repo, lock })).rejects.toMatchObject({
      code: 'signature',
      message: expect.stringContaining('it has no signature'),
    });
    cpSync(join(RELEASE, 'x86_64/setup.xz.sig'), join(repo, 'setup-x86_64.exe.sig'));
    await expect(media({ repo, lock, keyring: [] })).rejects.toMatchObject({ code: 'signature' });
    const { image, installer } = await media({ repo, lock });
    expect(installer).toBe('setup-x86_64.exe');
    expect(Object.keys(await contentsOf(image.path)).filter((path) => !path.includes('/'))).toEqual([
      'setup-x86_64.exe',
      'setup-x86_64.exe.sig',
    ]);
    appendFileSync(join(repo, 'setup-x86_64.exe'), 'x');
    await expect(media({ repo, lock })).rejects.toMatchObject({ code: 'signature' });
    await expect(media({ repo: copied().repo, lock, add: [`${KEY}=setup-x86_64.exe`] })).resolves.toMatchObject({
      installer: null,
    });
  });

  test('contains added files and directories at the given paths', async () => {
    const extra = temporaryDirectory();
    mkdirSync(join(extra, 'tools/sub'), { recursive: true });
    writeFileSync(join(extra, 'run=1.cmd'), 'run');
    writeFileSync(join(extra, 'tools/sub/a'), 'a');
    symlinkSync('sub/a', join(extra, 'tools/link'));
    const add = [
      `${join(extra, 'run=1.cmd')}=first.cmd`,
      `${KEY}=keys/`,
      KEY,
      `${join(extra, 'tools')}=opt/tools`,
      join(extra, 'tools'),
    ];
    const { image, added } = await media({ ...copied(), add });
    expect(added).toEqual([
      'first.cmd',
      'key.gpg',
      'keys/key.gpg',
      'opt/tools/link',
      'opt/tools/sub/a',
      'tools/link',
      'tools/sub/a',
    ]);
    const contents = await contentsOf(image.path);
    expect(['first.cmd', 'opt/tools/link', 'tools/sub/a'].map((path) => contents[path]?.toString())).toEqual([
      'run',
      'a',
      'a',
    ]);
  });

  test('is written together with answers on a floppy or an image', async () => {
    const files = new Map([
      ['autounattend.xml', Buffer.from('<unattend/>')],
      ['id_ed25519.pub', Buffer.from('ssh-ed25519 AAAA')],
    ]);
    const floppy = await media({ ...copied(), answers: { form: 'floppy', files } });
    expect(readFloppy(readFileSync(floppy.answers?.path ?? '')).map(({ name, bytes }) => [name, bytes])).toEqual([
      ...files,
    ]);
    const iso = await media({
      ...copied(),
      answers: { form: 'iso', files: new Map([...files, ['$OEM$/$1/x.cmd', Buffer.from('x')]]) },
    });
    expect(readdirSync(join(iso.image.path, '..')).sort()).toEqual(['answers.iso', 'repo.iso']);
    expect(Object.keys(await contentsOf(iso.answers?.path ?? ''))).toEqual(
      expect.arrayContaining(['autounattend.xml', '$OEM$/$1/x.cmd']),
    );
    expect(iso.image.sha512).toBe(floppy.image.sha512);
  });

  test('is written by the command line, as text and as JSON', async () => {
    const { repo, lock } = copied();
    const out = join(base, 'media');
    const made = await run('media', '--repo', repo, '--lock', lock, '--out', out, '--add', KEY);
    expect(made).toEqual({
      exit: 0,
      stdout: `\`${join(out, 'repo.iso')}\`: 6 archives, 18.4 KiB; index of 6 packages, 1 file added; read back: identical\n`,
      stderr: '',
    });
    const json = await run('media', '--repo', repo, '--lock', lock, '--out', out, '--add', KEY, '--json');
    const image = readFileSync(join(out, 'repo.iso'));
    expect(JSON.parse(json.stdout)).toMatchObject({
      schema: 1,
      archives: 6,
      added: ['key.gpg'],
      image: { path: join(out, 'repo.iso'), sizeBytes: image.length, sha512: sha512(image), files: 8 },
      answers: null,
    });
    expect((await run('media', '--repo', repo)).exit).toBe(2);
    expect(await run('media', '--repo', repo, '--out', out, '--lock', join(base, 'none.json'))).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('no such lock'),
    });
    expect(await run('media', '--repo', repo, '--out', out, '--lock', lock, '--add', 'nowhere')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('`nowhere` cannot be added'),
    });
    expect(
      await run('media', '--repo', repo, '--out', out, '--lock', lock, '--add', `${KEY}=X86_64/release`),
    ).toMatchObject({ exit: 1, stderr: expect.stringContaining('conflicting names on the medium') });
  });
});

describe('no image is made', () => {
  const BASH = ARCHIVES[1] ?? '';

  async function refused(
    change: (repo: string) => void,
    expected: object,
    request: Partial<MediaRequest> = {},
  ): Promise<void> {
    const { repo, lock } = copied();
    change(repo);
    const out = join(temporaryDirectory(), 'out');
    await expect(media({ repo, lock, out, ...request })).rejects.toMatchObject(expected);
    expect(existsSync(out) ? readdirSync(out) : []).toEqual([]);
  }

  test('of a damaged archive, also with unchanged size and times', async () => {
    await refused(
      (repo) => {
        const path = join(repo, BASH);
        const bytes = readFileSync(path);
        const { atime, mtime } = statSync(path);
        bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
        // In place and with the time of before: what was noted of the file still holds.
        writeFileSync(path, bytes);
        utimesSync(path, atime, mtime);
      },
      {
        code: 'verify',
        message: expect.stringContaining(`\`${BASH}\`: damaged`),
        hint: expect.stringContaining('--repair'),
      },
    );
  });

  test('of archives that are missing or of another size', async () => {
    await refused((repo) => rmSync(join(repo, BASH)), {
      code: 'verify',
      message: expect.stringContaining(`\`${BASH}\`: missing`),
    });
    await refused((repo) => appendFileSync(join(repo, BASH), 'x'), {
      code: 'verify',
      message: expect.stringContaining(`\`${BASH}\`: wrong-size`),
    });
    await refused((repo) => ARCHIVES.forEach((path) => rmSync(join(repo, path))), {
      code: 'verify',
      message: expect.stringContaining('(and 5 more)'),
    });
  });

  test('of a directory that is not a repo', async () => {
    await refused(() => {}, { code: 'repo' }, { repo: join(base, 'nowhere') });
  });

  test('without an index that lists the packages of the lock', async () => {
    await refused(
      (repo) => {
        rmSync(join(repo, '.cygstrap/index'), { recursive: true });
        rmSync(join(repo, 'x86_64/setup.ini'));
      },
      { code: 'repo', message: expect.stringContaining('has no index for x86_64') },
    );
    await refused(
      (repo) => {
        rmSync(join(repo, '.cygstrap/index'), { recursive: true });
        const index = join(repo, 'x86_64/setup.ini');
        writeFileSync(
          index,
          readFileSync(index, 'utf8').replace(/(bash-5\.2\.21-1\S+ \d+ )[0-9a-f]{128}/, `$1${'a'.repeat(128)}`),
        );
      },
      { code: 'repo', message: expect.stringContaining(`does not list \`${BASH}\` of the lock`) },
    );
  });

  test('of a lock with a file without digest', async () => {
    const lock = join(base, 'undigested.lock.json');
    const locked = JSON.parse(readFileSync(join(base, 'repo.lock.json'), 'utf8')) as {
      packages: { sha512?: string }[];
    };
    delete locked.packages[0]?.sha512;
    writeFileSync(lock, JSON.stringify(locked));
    await refused(
      () => {},
      { code: 'verify', message: expect.stringContaining('the lock has no digest of it') },
      { lock },
    );
  });

  test.each<[string, string, string, string]>([
    ['in the place of an archive', ARCHIVES[1] ?? '', 'media', 'is listed twice'],
    ['in the place of an archive, in another case', (ARCHIVES[1] ?? '').toUpperCase(), 'media', 'differ only in case'],
    ['in the place of a directory', 'noarch/release', 'media', 'is a file and also a directory of'],
    ['below an archive', `${ARCHIVES[1]}/x`, 'media', 'is a file and also a directory of'],
    ['in the place of an index', 'x86_64/setup.zst', 'usage', 'setup would read it as an index'],
    [
      'in the place of an index of another directory',
      'extra/X86_64/SETUP.XZ',
      'usage',
      'setup would read it as an index',
    ],
    ['out of the image', '../x', 'usage', 'leaves its directory'],
    ['with the name of a device', 'nul.txt', 'usage', 'a Windows device'],
    ['with a name too long', 'n'.repeat(104), 'media', 'at most 103 in Joliet'],
  ])('with a further file %s', async (_name, path, code, message) => {
    await refused(() => {}, { code, message: expect.stringContaining(message) }, { add: [`${KEY}=${path}`] });
  });

  test('with an added path that does not exist', async () => {
    const extra = temporaryDirectory();
    mkdirSync(join(extra, 'in'));
    symlinkSync('.', join(extra, 'in/loop'));
    await refused(
      () => {},
      { code: 'usage', message: expect.stringContaining('is a link to a directory') },
      { add: [join(extra, 'in')] },
    );
    await refused(
      () => {},
      { code: 'usage', message: expect.stringContaining('neither a file nor a directory') },
      { add: ['/dev/null'] },
    );
    await refused(
      () => {},
      { code: 'usage', message: expect.stringContaining('missing file name in') },
      { add: ['=x'] },
    );
  });

  test('when it is aborted', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    const { repo, lock } = copied();
    await expect(media({ repo, lock }, stop.signal)).rejects.toThrow('stopped');
  });

  test('from two sites at once', async () => {
    const { repo, lock } = await fetch('two', 'bash', '--layout', 'site');
    const [site = ''] = readdirSync(repo).filter((name) => name.includes('%'));
    cpSync(join(repo, site), join(repo, 'copy'), { recursive: true });
    renameSync(join(repo, 'copy'), join(repo, 'http%3a%2f%2fother%2f'));
    await refused(
      () => {},
      { code: 'repo', message: expect.stringContaining('directories of 2 sites') },
      { repo, lock },
    );
  });
});
