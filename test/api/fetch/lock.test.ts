import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FaultServer } from '../../support/fault-server.ts';
import { dir, fetch, KEY, RELEASE, releaseScript, run } from './command-support.ts';

describe('lock --site', () => {
  test('locks from the signed index of a site', async () => {
    const { exit } = await run('lock', 'bash', '--site', RELEASE, '--keyring', KEY, '--lock', join(dir, 'lock.json'));
    expect(exit).toBe(0);
    const { indexes } = JSON.parse(readFileSync(join(dir, 'lock.json'), 'utf8')) as { indexes: { signer: string }[] };
    expect(indexes[0]?.signer).toMatch(/^[0-9A-F]{40}$/);
    expect((await fetch('bash', '--site', RELEASE)).exit).toBe(0);
  });
});

describe('the lock', () => {
  test('is used, and another request is refused', async () => {
    await fetch('bash', '--site', RELEASE);
    const { exit, stderr } = await fetch('openssh', '--site', RELEASE);
    expect(exit).toBe(1);
    expect(stderr).toContain(
      'was made for another request: package `openssh`: asked for, and not in the request of the lock',
    );
    expect((await fetch('--site', RELEASE)).exit).toBe(0);
  });

  test('of another request: both commands of the hint work as they are', async () => {
    await fetch('bash', '--no-base', '--site', RELEASE);
    const { stderr } = await fetch('libssl3', '--source', '--site', RELEASE);
    const hint =
      /^hint: lock what is asked for with `cygstrap (.*)`, or the packages of the lock too with `cygstrap (.*)`$/m;
    const [, asked = '', both = ''] = hint.exec(stderr) ?? [];
    const file = join(dir, 'lock.json');
    for (const [command, packages] of [
      [asked, ['libssl3']],
      [both, ['bash', 'libssl3']],
    ] as const) {
      expect(await run(...command.split(' '), '--site', RELEASE, '--keyring', KEY)).toMatchObject({ exit: 0 });
      const { request } = JSON.parse(readFileSync(file, 'utf8')) as { request: unknown };
      expect(request).toMatchObject({ packages, base: true, source: true });
    }
    expect(await fetch('libssl3', 'bash', '--source', '--site', RELEASE)).toMatchObject({ exit: 0 });
  });

  test('with --frozen needs no index at all', async () => {
    await fetch('bash', '--site', RELEASE);
    rmSync(join(dir, 'repo'), { recursive: true });
    rmSync(join(dir, 'cache'), { recursive: true });
    const archives = Object.fromEntries(Object.entries(releaseScript()).filter(([path]) => path.includes('/release/')));
    await using server = await FaultServer.start(archives);
    const { exit, stdout, stderr } = await fetch('--frozen', '--site', server.url);
    expect(exit).toBe(0);
    expect(stdout).toContain('no index was published');
    expect(stderr).toMatch(/^warning: setup finds no packages in the repo: it has no index, .*$/m);
    expect(server.log.filter(({ path }) => path.includes('setup.'))).toEqual([]);
  });

  test('missing, with --frozen, is an error', async () => {
    expect(await fetch('--frozen', '--site', RELEASE)).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('the lock does not exist') as string,
    });
  });
});
