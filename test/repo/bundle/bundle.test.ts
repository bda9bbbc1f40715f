import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { unpackTar } from 'modern-tar';
import { beforeAll, describe, expect, test } from 'vitest';
import { applyBundle } from '../../../src/api/bundle-apply.ts';
import { makeBundle } from '../../../src/api/bundle.ts';
import { printLock } from '../../../src/core/lock/print.ts';
import { contentsOf, makeRepo } from './support.ts';
import { base, nearCopy, oldLock, options } from './near-support.ts';

const NEW = {
  bash: ['5.2-1', 3100],
  zlib: ['1.2-1', 700],
  [`long-${'n'.repeat(90)}`]: ['1-1', 10],
  big: ['1.0-1', 2_500_000],
} as const;

let far: Awaited<ReturnType<typeof makeRepo>>;

beforeAll(async () => {
  far = await makeRepo(join(base, 'far'), NEW);
  await makeBundle({ repo: far.repo, lock: far.lockFile, since: oldLock, out: join(base, 'new.tar') }, options);
});

async function namesIn(path: string): Promise<string[]> {
  return (await unpackTar(readFileSync(path), { strict: true })).map(({ header }) => header.name);
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
    expect(summary).toMatchObject({ bundle: again, size: statSync(again).size, files: 3, leftOut: 1 });
  });

  test('updates another repo to the same state', async () => {
    const { repo, lock } = nearCopy();
    expect(await applyBundle({ bundle: join(base, 'new.tar'), repo, lock }, options)).toEqual({
      repo,
      lock,
      files: 3,
      size: 2_503_110,
      present: 1,
      packages: 4,
      setup: expect.objectContaining({ program: 'setup-x86_64.exe' }),
    });
    expect(contentsOf(repo)).toEqual({ ...contentsOf(join(base, 'near/repo')), ...contentsOf(far.repo) });
    expect(readFileSync(lock, 'utf8')).toBe(printLock(far.lock));
    expect(await applyBundle({ bundle: join(base, 'new.tar'), repo, lock }, options)).toMatchObject({
      files: 0,
      present: 4,
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
  let repos = 0;
  const attempt = async (change: (repo: string) => void, message: string, code: string): Promise<void> => {
    const repo = join(base, `broken-${++repos}`);
    cpSync(far.repo, repo, { recursive: true });
    change(repo);
    const out = join(base, `never-${repos}.tar`);
    await expect(makeBundle({ repo, lock: far.lockFile, since: oldLock, out }, options)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(readdirSync(base).filter((name) => name.startsWith(`never-${repos}`))).toEqual([]);
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
  expect(await applyBundle({ bundle: out, repo, lock }, options)).toMatchObject({ files: 1, present: 3 });
  expect(contentsOf(repo)).toEqual(contentsOf(far.repo));
});
