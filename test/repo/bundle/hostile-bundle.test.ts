import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { printManifest } from '../../../src/repo/bundle/format.ts';
import { applyBundle } from '../../../src/api/bundle-apply.ts';
import { makeBundle } from '../../../src/api/bundle.ts';
import { printLock } from '../../../src/core/lock/print.ts';
import { tarOf } from '../../support/tar.ts';
import type { RawMember } from '../../support/tar.ts';
import { contentsOf, lockFor, makeRepo, sha512 } from './support.ts';
import { base, nearCopy, oldLock, options } from './near-support.ts';

let small: Buffer;

beforeAll(async () => {
  const tiny = await makeRepo(join(base, 'tiny'), { bash: ['5.2-1', 600], zlib: ['1.2-1', 700] });
  await makeBundle({ repo: tiny.repo, lock: tiny.lockFile, since: oldLock, out: join(base, 'small.tar') }, options);
  small = readFileSync(join(base, 'small.tar'));
});

let bundles = 0;

function written(bytes: Uint8Array): string {
  const path = join(base, `tar-${++bundles}.tar`);
  writeFileSync(path, bytes);
  return path;
}

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

  test('truncated anywhere, also in its end mark', async () => {
    for (const size of [...Array(Math.floor(small.length / 767)).keys()]
      .map((at) => at * 767)
      .concat(small.length - 1)) {
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
