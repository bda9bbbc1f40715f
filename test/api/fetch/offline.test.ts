import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FaultServer } from '../../support/fault-server.ts';
import { dir, fetch, KEY, releaseScript, repoFiles, run } from './command-support.ts';

/** A mirror, and a function that expects that it received no request during some work. */
async function mirror(): Promise<{ site: string; unasked: <T>(work: () => Promise<T>) => Promise<T> }> {
  const server = await FaultServer.start(releaseScript());
  onTestFinished(() => server.close());
  return {
    site: server.url,
    async unasked(work) {
      const before = server.count();
      const result = await work();
      expect(server.count()).toBe(before);
      return result;
    },
  };
}

function forget(...names: readonly string[]): void {
  for (const name of names) rmSync(join(dir, name), { recursive: true, force: true });
}

describe('fetch --offline', () => {
  test('makes a repo of the kept index and the archives of another repo', async () => {
    const { site, unasked } = await mirror();
    await run('resolve', 'openssh', '--site', site, '--keyring', KEY);
    await fetch('openssh', '--site', site);
    const files = repoFiles();
    forget('repo', 'lock.json');
    expect(await unasked(() => fetch('openssh', '--site', site, '--offline'))).toMatchObject({ exit: 0 });
    expect(repoFiles()).toEqual(files);
  });

  test('uses the index of the repo for another request', async () => {
    const { site, unasked } = await mirror();
    await fetch('openssh', 'gcc-core', '--site', site);
    forget('lock.json');
    expect(await unasked(() => fetch('openssh', '--site', site, '--offline'))).toMatchObject({ exit: 0 });
  });

  test('says that no index is kept', async () => {
    const { site, unasked } = await mirror();
    expect(await unasked(() => fetch('openssh', '--site', site, '--offline'))).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining(
        `error: no index of \`${site}/\` is kept on this computer\n` +
          'hint: run the command without `--offline` once\n',
      ) as string,
    });
  });

  test.each([[['--offline']], [['--offline', '--frozen']]])(
    'names every archive that is missing: %j',
    async (flags) => {
      const { site, unasked } = await mirror();
      await run('resolve', 'openssh', '--site', site, '--keyring', KEY);
      await run('lock', 'openssh', '--site', site, '--keyring', KEY, '--lock', join(dir, 'lock.json'));
      const { exit, stderr } = await unasked(() => fetch('--site', site, ...flags));
      expect(exit).toBe(3);
      expect(stderr).toMatch(/error: [2-9] of the files could not be fetched\n/);
      expect(stderr).toContain(
        '  - cannot fetch `x86_64/release/openssh/openssh-9.8p1-1-x86_64.tar.zst` ' +
          `from ${site}/: it is not kept on this computer\n`,
      );
      expect(stderr).toContain('hint: run the command without `--offline` once; the other files are stored\n');
    },
  );

  test('reads a directory', async () => {
    expect(await fetch('openssh', '--site', 'fixtures/release', '--offline')).toMatchObject({ exit: 0 });
  });
});

test.each(['--refresh', '--index=setup.ini'])('fetch has no %s, and says what to do', async (option) => {
  expect(await fetch('openssh', option)).toMatchObject({
    exit: 2,
    stderr: expect.stringMatching(/error: unknown option: .*\nhint: (?:leave it out|name the mirror)/) as string,
  });
});
