import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runMain } from '../support/main.ts';
import { tarOf } from '../support/tar.ts';

const folder = mkdtempSync(join(tmpdir(), 'cygstrap-programs-'));
const repo = join(folder, 'repo');
const index = join(repo, 'x86_64/setup.ini');
const cache = join(folder, 'cache');
afterAll(() => rmSync(folder, { recursive: true }));

const FILES = {
  inetutils: ['usr/bin/telnet.exe', 'usr/bin/ftp.exe', 'usr/share/doc/rlogin'],
  'net-scripts': ['usr/sbin/telnet', 'bin/dir/nested'],
};

beforeAll(async () => {
  const records = await Promise.all(
    Object.entries(FILES).map(async ([name, files]) => {
      const archive = await tarOf(files.map((file) => ({ name: file })));
      const path = `x86_64/release/${name}/${name}-1-1.tar`;
      mkdirSync(dirname(join(repo, path)), { recursive: true });
      writeFileSync(join(repo, path), archive);
      const sha512 = createHash('sha512').update(archive).digest('hex');
      return `@ ${name}\nsdesc: "Nothing"\ncategory: Net\nversion: 1-1\ninstall: ${path} ${archive.length} ${sha512}\n`;
    }),
  );
  writeFileSync(index, `release: test\narch: x86_64\nsetup-timestamp: 1\n\n${records.join('\n')}`);
});

const hintOf = async (...argv: string[]) => {
  const { exit, stderr } = await runMain([...argv, '--index', index], cache);
  return { exit, hint: stderr.split('\n').filter((line) => line.startsWith('hint: ')) };
};

describe('a name that no package has, but a program', () => {
  test('is not known before the files of the packages are', async () => {
    expect(await hintOf('resolve', 'telnet')).toEqual({ exit: 1, hint: [] });
  });

  test('names the packages with it in every command', async () => {
    expect(await runMain(['provides-file', 'telnet.exe', '--repo', repo], cache)).toMatchObject({ exit: 0 });
    const hint = ['hint: did you mean `inetutils`?', 'hint: did you mean `net-scripts`?'];
    const lock = join(folder, 'lock.json');
    expect(await hintOf('resolve', 'telnet')).toEqual({ exit: 1, hint });
    expect(await hintOf('resolve', 'telnet=1-1')).toEqual({ exit: 1, hint });
    expect(await hintOf('resolve', '--build-depends', 'telnet')).toEqual({ exit: 1, hint });
    expect(await hintOf('lock', 'telnet', '--lock', lock)).toEqual({ exit: 1, hint });
    expect(await hintOf('why', 'inetutils', '--for', 'telnet')).toEqual({ exit: 1, hint });
    const one = ['hint: did you mean `inetutils` or `net-scripts`?'];
    expect(await hintOf('info', 'telnet')).toEqual({ exit: 1, hint: one });
    expect(await hintOf('why', 'telnet', '--for', 'inetutils')).toEqual({ exit: 1, hint: one });
    const { exit, stderr } = await runMain(['files', 'telnet', '--repo', repo], cache);
    expect([exit, stderr]).toEqual([1, expect.stringContaining(one.join(''))]);
  });

  test.each(['rlogin', 'nested', 'usr/bin/telnet', 'TELNET', ''])('is no other file: `%s`', async (name) => {
    expect((await hintOf('resolve', name)).hint).not.toContain('hint: did you mean `inetutils`?');
  });

  test('is not looked for without a cache', async () => {
    expect(await hintOf('resolve', 'telnet', '--no-cache')).toEqual({ exit: 1, hint: [] });
  });

  test('is not found by damaged lists, which are a note only', async () => {
    for (const name of readdirSync(join(cache, 'cygstrap/lists')))
      writeFileSync(join(cache, 'cygstrap/lists', name), 'damaged');
    const { exit, stderr } = await runMain(['resolve', 'telnet', '--index', index, '--verbose'], cache);
    expect(exit).toBe(1);
    expect(stderr).not.toContain('did you mean');
    expect(stderr).toMatch(/note: the list of files `[^`]+` cannot be used/);
  });
});
