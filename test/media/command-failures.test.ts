import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { MediaRequest } from '../../src/api/media.ts';
import { temporaryDirectory } from './support.ts';
import { base, fetch, copied, media, ARCHIVES, KEY } from './command-support.ts';

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
    const repo = join(base, 'nowhere');
    await refused(() => {}, { code: 'not-found', message: `no such directory: \`${repo}\`` }, { repo });
    await refused(() => {}, { code: 'repo' }, { repo: temporaryDirectory() });
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
