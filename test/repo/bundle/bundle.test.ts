import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printManifest } from '../../../src/repo/bundle/format.ts';
import { applyBundle } from '../../../src/api/bundle-apply.ts';
import { makeBundle } from '../../../src/api/bundle.ts';
import type { Event } from '../../../src/events.ts';
import { printLock } from '../../../src/core/lock/print.ts';
import { contentsOf, lockFor, makeRepo, sha512, tarOf } from './support.ts';
import type { RawMember } from './support.ts';

const OLD = { bash: ['5.1-1', 3000], zlib: ['1.2-1', 700], old: ['1.0-1', 50] } as const;
const NEW = {
  bash: ['5.2-1', 3100],
  zlib: ['1.2-1', 700],
  [`long-${'n'.repeat(90)}`]: ['1-1', 10],
  big: ['1.0-1', 2_500_000],
} as const;

let base = '';
let far: Awaited<ReturnType<typeof makeRepo>>;
let oldLock = '';
let small: Buffer;
const events: Event[] = [];
const options = { report: (event: Event) => events.push(event) };

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'cygstrap-bundle-'));
  await makeRepo(join(base, 'near'), OLD);
  oldLock = join(base, 'near/cygstrap.lock.json');
  far = await makeRepo(join(base, 'far'), NEW);
  await makeBundle({ repo: far.repo, lock: far.lockFile, since: oldLock, out: join(base, 'new.tar') }, options);
  const tiny = await makeRepo(join(base, 'tiny'), { bash: ['5.2-1', 600], zlib: ['1.2-1', 700] });
  await makeBundle({ repo: tiny.repo, lock: tiny.lockFile, since: oldLock, out: join(base, 'small.tar') }, options);
  small = readFileSync(join(base, 'small.tar'));
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

let copies = 0;

/** A copy of the repo that has the old state. */
function nearCopy(): { repo: string; lock: string } {
  const dir = join(base, `copy-${++copies}`);
  cpSync(join(base, 'near'), dir, { recursive: true, preserveTimestamps: true });
  return { repo: join(dir, 'repo'), lock: join(dir, 'cygstrap.lock.json') };
}

function written(bytes: Uint8Array): string {
  const path = join(base, `tar-${++copies}.tar`);
  writeFileSync(path, bytes);
  return path;
}

async function namesIn(path: string): Promise<string[]> {
  const names: string[] = [];
  const tar = extract();
  tar.on('entry', ({ name }, entry, next) => {
    names.push(name);
    entry.on('end', () => next());
    entry.resume();
  });
  await pipeline(Readable.from([readFileSync(path)]), tar);
  return names;
}

describe('a bundle', () => {
  test('contains the lock, the index, and the archives that the old lock does not list', async () => {
    expect(await namesIn(join(base, 'new.tar'))).toEqual([
      'bundle.json',
      'cygstrap.lock.json',
      'index/setup.ini',
      'repo/x86_64/release/bash/bash-5.2-1.tar.xz',
      'repo/x86_64/release/big/big-1.0-1.tar.xz',
      `repo/x86_64/release/long-${'n'.repeat(90)}/long-${'n'.repeat(90)}-1-1.tar.xz`,
    ]);
  });

  test('is the same for the same content', async () => {
    const again = join(base, 'again.tar');
    const other = join(base, 'far-copy');
    cpSync(far.repo, other, { recursive: true });
    utimesSync(join(other, 'x86_64/release/bash/bash-5.2-1.tar.xz'), 1, 1);
    writeFileSync(join(base, 'crlf.lock.json'), readFileSync(far.lockFile, 'utf8').replaceAll('\n', '\r\n'));
    const summary = await makeBundle(
      { repo: other, lock: join(base, 'crlf.lock.json'), since: oldLock, out: again },
      options,
    );
    expect(readFileSync(again).equals(readFileSync(join(base, 'new.tar')))).toBe(true);
    expect(summary).toMatchObject({ file: again, sizeBytes: statSync(again).size, files: 3, leftOut: 1 });
  });

  test('updates another repo to the same state', async () => {
    const { repo, lock } = nearCopy();
    expect(await applyBundle({ bundle: join(base, 'new.tar'), repo, lock }, options)).toEqual({
      repo,
      lock,
      files: 3,
      sizeBytes: 2_503_110,
      presentFiles: 1,
      packages: 4,
      setup: expect.objectContaining({ program: 'setup-x86_64.exe' }),
    });
    expect(contentsOf(repo)).toEqual({ ...contentsOf(join(base, 'near/repo')), ...contentsOf(far.repo) });
    expect(readFileSync(lock, 'utf8')).toBe(printLock(far.lock));
    expect(await applyBundle({ bundle: join(base, 'new.tar'), repo, lock }, options)).toMatchObject({
      files: 0,
      presentFiles: 4,
    });
  });

  test('without an old lock contains all files, and creates a new repo', async () => {
    const out = join(base, 'whole.tar');
    expect(await makeBundle({ repo: far.repo, lock: far.lockFile, since: undefined, out }, options)).toMatchObject({
      files: 4,
      leftOut: 0,
    });
    const repo = join(base, 'fresh/repo');
    mkdirSync(join(base, 'fresh'));
    await applyBundle({ bundle: out, repo, lock: join(base, 'fresh/lock.json') }, options);
    expect(contentsOf(repo)).toEqual(contentsOf(far.repo));
  });

  test('contains the signature of the index', async () => {
    const repo = join(base, 'signed');
    cpSync(far.repo, repo, { recursive: true });
    writeFileSync(join(repo, 'x86_64/setup.ini.sig'), 'signature');
    const out = join(base, 'signed.tar');
    await makeBundle({ repo, lock: far.lockFile, since: oldLock, out }, options);
    const near = nearCopy();
    await applyBundle({ bundle: out, ...near }, options);
    expect(readFileSync(join(near.repo, 'x86_64/setup.ini.sig'), 'utf8')).toBe('signature');
  });
});

describe('packing refuses', () => {
  const attempt = async (change: (repo: string) => void, message: string, code: string): Promise<void> => {
    const repo = join(base, `broken-${++copies}`);
    cpSync(far.repo, repo, { recursive: true });
    change(repo);
    const out = join(base, `never-${copies}.tar`);
    await expect(makeBundle({ repo, lock: far.lockFile, since: oldLock, out }, options)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(readdirSync(base).filter((name) => name.startsWith(`never-${copies}`))).toEqual([]);
  };
  const bash = 'x86_64/release/bash/bash-5.2-1.tar.xz';

  test('a damaged archive', () =>
    attempt((repo) => writeFileSync(join(repo, bash), Buffer.alloc(3100)), 'its sha512 is', 'verify'));
  test('a short archive', () =>
    attempt((repo) => truncateSync(join(repo, bash), 3099), '3099 bytes instead of 3100', 'verify'));
  test('a long archive', () =>
    attempt((repo) => truncateSync(join(repo, bash), 3101), 'larger than its 3100 bytes', 'verify'));
  test('a missing archive', () => attempt((repo) => rmSync(join(repo, bash)), 'the repo does not have', 'verify'));
  test('a repo without index', () =>
    attempt((repo) => rmSync(join(repo, 'x86_64/setup.ini')), 'has no index for x86_64', 'repo'));
  test('to continue after an abort', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    await expect(
      makeBundle(
        { repo: far.repo, lock: far.lockFile, since: oldLock, out: join(base, 'never.tar') },
        { ...options, signal: stop.signal },
      ),
    ).rejects.toThrow('stopped');
    expect(readdirSync(base).filter((name) => name.startsWith('never'))).toEqual([]);
  });

  test('a directory that is not writable', async () => {
    await expect(
      makeBundle({ repo: far.repo, lock: far.lockFile, since: oldLock, out: join(base, 'nowhere/x.tar') }, options),
    ).rejects.toMatchObject({ code: 'io' });
  });
});

/** Applies a tar to the old state and looks what came of it. */
async function outcomeOf(bytes: Uint8Array): Promise<{ error: unknown; repo: string }> {
  const { repo, lock } = nearCopy();
  const before = { contents: contentsOf(repo), lock: readFileSync(lock, 'utf8') };
  const bundle = written(bytes);
  try {
    await applyBundle({ bundle, repo, lock }, options);
    return { error: undefined, repo };
  } catch (error) {
    const after = contentsOf(repo);
    for (const [path, content] of Object.entries(before.contents)) expect(after[path], path).toBe(content);
    expect(readFileSync(lock, 'utf8')).toBe(before.lock);
    return { error, repo };
  } finally {
    rmSync(bundle);
  }
}

const isOurs = expect.objectContaining({ code: expect.stringMatching(/^(?:corrupt|verify|lock|repo)$/) }) as unknown;

describe('a damaged bundle publishes nothing', () => {
  test('with any byte flipped, unless the byte has no meaning', async () => {
    const before = contentsOf(join(base, 'near/repo'));
    const good: Record<string, string> = { ...before, ...contentsOf(join(base, 'tiny/repo')) };
    let refused = 0;
    for (let at = 0; at < small.length; at += 149) {
      const bytes = Buffer.from(small);
      bytes[at] = (bytes[at] ?? 0) ^ 0x20;
      const { error, repo } = await outcomeOf(bytes);
      const contents = contentsOf(repo);
      for (const [path, content] of Object.entries(contents))
        expect(content, `byte ${at}: ${path}`).toBeOneOf([good[path], before[path]]);
      if (error === undefined) expect(contents).toEqual(good);
      else {
        refused++;
        expect(error, `byte ${at}`).toEqual(isOurs);
      }
      rmSync(join(repo, '..'), { recursive: true });
    }
    expect(refused).toBeGreaterThan(20);
  });

  test('truncated anywhere before its end mark', async () => {
    for (let size = 0; size < small.length - 1024; size += 767) {
      const { error, repo } = await outcomeOf(small.subarray(0, size));
      expect(error, `${size} bytes`).toEqual(isOurs);
      rmSync(join(repo, '..'), { recursive: true });
    }
  });

  test('that is not a tar file, or missing', async () => {
    expect((await outcomeOf(Buffer.alloc(10_000, 'no tar'))).error).toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('is not a complete tar file'),
    });
    expect((await outcomeOf(Buffer.alloc(10_240))).error).toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('ends before the archives'),
    });
    await expect(applyBundle({ bundle: join(base, 'absent.tar'), ...nearCopy() }, options)).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(applyBundle({ bundle: base, ...nearCopy() }, options)).rejects.toMatchObject({ code: 'io' });
  });
});

describe('a hostile bundle is refused', () => {
  const lock = (): string => printLock(lockFor({ bash: ['5.2-1', 600], zlib: ['1.2-1', 700] }));
  const index = (): Buffer => readFileSync(join(base, 'tiny/repo/x86_64/setup.ini'));
  const bash = (): Buffer => readFileSync(join(base, 'tiny/repo/x86_64/release/bash/bash-5.2-1.tar.xz'));
  const BASH = 'repo/x86_64/release/bash/bash-5.2-1.tar.xz';

  /** The members before the archives, with whatever lock and index. */
  const head = (lockText = lock(), indexBytes: Buffer = index()): RawMember[] => {
    const members = [
      { name: 'cygstrap.lock.json', bytes: Buffer.from(lockText) },
      { name: 'index/setup.ini', bytes: indexBytes },
    ];
    const manifest = printManifest({
      schema: 1,
      members: members.map(({ name, bytes }) => ({ name, size: bytes.length, sha512: sha512(bytes) })),
    });
    return [{ name: 'bundle.json', bytes: manifest }, ...members];
  };

  test('and a valid one made the same way is not', async () => {
    const { error, repo } = await outcomeOf(await tarOf([...head(), { name: BASH, bytes: bash() }]));
    expect(error).toBeUndefined();
    expect(existsSync(join(repo, 'x86_64/release/bash/bash-5.2-1.tar.xz'))).toBe(true);
  });

  test.each<[string, () => RawMember[], string]>([
    [
      'a path out of the repo',
      () => [...head(), { name: '../../evil', bytes: 'x' }],
      'neither its lock nor its index lists `../../evil`',
    ],
    [
      'a path out of the repo below its prefix',
      () => [...head(), { name: 'repo/../../evil', bytes: 'x' }],
      'neither its lock',
    ],
    ['an absolute path', () => [...head(), { name: '/tmp/evil', bytes: 'x' }], 'neither its lock'],
    ['a file that nothing lists', () => [...head(), { name: 'repo/x86_64/setup.zst', bytes: 'x' }], 'neither its lock'],
    ['a file of cygstrap', () => [...head(), { name: 'repo/.cygstrap/verified', bytes: 'x' }], 'neither its lock'],
    [
      'a link in the place of an archive',
      () => [...head(), { name: BASH, type: 'symlink', linkname: '/etc/passwd' }],
      'is a symlink; only regular files are allowed',
    ],
    ['a hard link', () => [...head(), { name: BASH, type: 'link', linkname: '../../x' }], 'is a link'],
    ['a directory', () => [...head(), { name: 'repo/x86_64/', type: 'directory' }], 'is a directory'],
    ['a pipe', () => [...head(), { name: BASH, type: 'fifo' }], 'is a fifo'],
    [
      'a duplicate archive',
      () => [...head(), { name: BASH, bytes: bash() }, { name: BASH, bytes: bash() }],
      'duplicate member',
    ],
    [
      'an archive of another size',
      () => [...head(), { name: BASH, bytes: Buffer.alloc(599) }],
      'has 599 bytes instead of 600',
    ],
    ['an archive of other content', () => [...head(), { name: BASH, bytes: Buffer.alloc(600) }], 'sha512'],
    ['no archive', () => head(), '1 files of the new lock are neither in'],
    [
      'an archive before the head',
      () => [{ name: BASH, bytes: bash() }, ...head()],
      'does not start with `bundle.json`',
    ],
    [
      'a lock other than its manifest says',
      () => [
        ...head().slice(0, 1),
        { name: 'cygstrap.lock.json', bytes: lock().replace('5.2-1', '5.2-2') },
        ...head().slice(2),
      ],
      'the sha512 of `cygstrap.lock.json`',
    ],
    [
      'an index left out',
      () => [...head().slice(0, 2), { name: BASH, bytes: bash() }],
      'but the manifest lists `index/setup.ini`',
    ],
    ['a manifest of a later form', () => [{ name: 'bundle.json', bytes: '{"schema": 2}' }], '`schema` is 2'],
    [
      'a manifest with a name of its own',
      () => [
        {
          name: 'bundle.json',
          bytes: printManifest({ schema: 1, members: [{ name: '../x', size: 1, sha512: sha512('') }] }),
        },
      ],
      'must be the name of a lock or an index',
    ],
    [
      'a manifest without lock',
      () => [{ name: 'bundle.json', bytes: printManifest({ schema: 1, members: [] }) }],
      'must list a lock',
    ],
    [
      'a manifest that lists too many bytes',
      () => [
        {
          name: 'bundle.json',
          bytes: printManifest({
            schema: 1,
            members: [{ name: 'cygstrap.lock.json', size: 1e12, sha512: sha512('') }],
          }),
        },
      ],
      'its lock and index have more than',
    ],
    [
      'a lock with a path out of the repo',
      () => head(lock().replace('x86_64/release/bash/bash-5.2-1.tar.xz', '../../evil')),
      'leaves its directory',
    ],
    [
      'an index of ours with a path out of the repo',
      () =>
        head(lock(), Buffer.from(index().toString().replace('x86_64/release/bash/bash-5.2-1.tar.xz', '../../evil'))),
      'leaves its directory',
    ],
    [
      'an index that lists what is nowhere',
      () => [
        ...head(
          lock(),
          Buffer.from(
            `${index().toString()}\n@ ghost\nsdesc: "x"\ncategory: Misc\nversion: 1-1\ninstall: ` +
              `x86_64/release/ghost.tar.xz 5 ${sha512('ghost')}\n`,
          ),
        ),
        { name: BASH, bytes: bash() },
      ],
      '`x86_64/release/ghost.tar.xz`',
    ],
    [
      'an archive where an index belongs',
      () => head(lock().replace('x86_64/release/bash/bash-5.2-1.tar.xz', 'x86_64/setup.zst')),
      'reserved for an index',
    ],
  ])('with %s', async (_name, members, message) => {
    const { error } = await outcomeOf(await tarOf(members()));
    expect(error).toEqual(isOurs);
    expect((error as Error).message).toContain(message);
    expect(existsSync(join(base, 'evil')) || existsSync(join(base, '..', 'evil'))).toBe(false);
  });
});

test('a repo of another state keeps verified archives, and the next call continues from there', async () => {
  const repo = join(base, 'other/repo');
  mkdirSync(join(base, 'other'));
  const lock = join(base, 'other/lock.json');
  await expect(applyBundle({ bundle: join(base, 'new.tar'), repo, lock }, options)).rejects.toMatchObject({
    code: 'repo',
    message: expect.stringContaining('1 files of the new lock are neither in'),
    hint: expect.stringContaining('without `--since`'),
    details: { missing: ['x86_64/release/zlib/zlib-1.2-1.tar.xz'] },
  });
  expect(existsSync(join(repo, 'x86_64/setup.ini'))).toBe(false);
  expect(existsSync(lock)).toBe(false);
  const out = join(base, 'whole-again.tar');
  await makeBundle({ repo: far.repo, lock: far.lockFile, since: undefined, out }, options);
  expect(await applyBundle({ bundle: out, repo, lock }, options)).toMatchObject({ files: 1, presentFiles: 3 });
  expect(contentsOf(repo)).toEqual(contentsOf(far.repo));
});
