import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answersOf } from '../../src/api/media-answers.ts';
import { userCacheDirectory } from '../../src/io/user-dirs.ts';
import type { Lock } from '../../src/core/lock/lock.ts';
import { QEMU, describeWith } from '../support/qemu.ts';

const LOCK: Lock = {
  schema: 1,
  resolver: 'cygstrap 0.1.0',
  request: {
    packages: ['a'],
    categories: [],
    buildDepends: [],
    base: true,
    test: false,
    source: false,
    windows: '10.0.19045',
    arch: 'x86_64',
  },
  indexes: [],
  packages: [
    { name: 'a', version: '1-1', index: 0, path: 'x86_64/release/a/a-1-1.tar.xz', size: 12, sha512: 'ab'.repeat(64) },
  ],
};
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGumuqDlNl4PRsllgMRG3DuqVkqJC5kjy6rGj9uimIJK someone';

describeWith([QEMU, 'busybox', 'sshd', 'mke2fs'], 'answers for an installation by hand', () => {
  let directory: string;
  let key: string;
  const options = { cacheDir: userCacheDirectory(process.env), report: () => {} };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cygstrap-answers-'));
    key = join(directory, 'key.pub');
    await writeFile(key, `${KEY}\n`);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const filesOf = async ({ lock = LOCK, out = directory } = {}): Promise<ReadonlyMap<string, Uint8Array>> =>
    (await answersOf({ guest: 'stand-in', authorizedKey: key, out }, lock, options)).filesOf(undefined);

  test('host key and password are new each time, and known to the host', async () => {
    const out = join(directory, 'media');
    const hostKeys: string[] = [];
    for (let i = 0; i < 2; i++) {
      const files = await filesOf({ out });
      const line = Buffer.from(files.get('hostkey.pub') ?? '').toString();
      expect(line).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]{68}\n$/);
      expect(await readFile(join(out, 'known_hosts'), 'utf8')).toBe(`cygstrap-guest ${line}`);
      expect(Buffer.from(files.get('hostkey') ?? '').toString()).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
      expect(await readFile(join(out, 'password'), 'utf8')).toMatch(/^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w-]{20}\n$/);
      expect((await stat(join(out, 'password'))).mode & 0o777).toBe(0o600);
      expect((await readdir(out)).toSorted()).toEqual(['known_hosts', 'password']);
      hostKeys.push(line);
    }
    expect(hostKeys[0]).not.toBe(hostKeys[1]);
  });

  test('the same lock and key give the same answers; another lock gives another number', async () => {
    const first = await filesOf();
    const second = await filesOf();
    for (const name of ['answers', 'archives', 'authkeys']) {
      expect(second.get(name)).toEqual(first.get(name));
    }
    const other = await filesOf({ lock: { ...LOCK, resolver: 'cygstrap 0.2.0' } });
    expect(other.get('answers')).not.toEqual(first.get('answers'));
    expect(Buffer.from(first.get('authkeys') ?? '').toString()).toBe(`${KEY}\n`);
    const archives = `sha512 ${'ab'.repeat(64)} 12 a 1-1 x86_64/release/a/a-1-1.tar.xz\n`;
    expect(Buffer.from(first.get('archives') ?? '').toString()).toBe(archives);
    expect(Buffer.from(first.get('answers') ?? '').toString()).toContain(
      `archives=${createHash('sha512').update(archives).digest('hex')}\n`,
    );
  });

  test('an unknown kind, a missing key, a private key and two keys are rejected', async () => {
    await expect(answersOf({ guest: 'dos', authorizedKey: key, out: directory }, LOCK, options)).rejects.toThrow(
      'unknown guest kind `dos`',
    );
    await expect(
      answersOf({ guest: 'stand-in', authorizedKey: join(directory, 'none'), out: directory }, LOCK, options),
    ).rejects.toThrow(/^cannot read the public key/);
    for (const text of ['-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n', `${KEY}\n${KEY}\n`, '']) {
      const path = join(directory, 'other');
      await writeFile(path, text);
      await expect(
        answersOf({ guest: 'stand-in', authorizedKey: path, out: directory }, LOCK, options),
      ).rejects.toThrow(`not an OpenSSH public key: \`${path}\``);
    }
    expect(await readFile(key, 'utf8')).toBe(`${KEY}\n`);
  });
});
