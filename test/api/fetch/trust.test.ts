import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKey } from 'openpgp';
import { describe, expect, test } from 'vitest';
import { readKeyring } from '../../../src/trust/keyring.ts';
import { verifyDetached } from '../../../src/trust/verify.ts';
import { FaultServer } from '../../support/fault-server.ts';
import { dir, fetch, KEY, RELEASE, releaseScript, repoFiles, run } from './command-support.ts';

describe('trust', () => {
  test('an index without a trusted signature is refused, and nothing is written', async () => {
    const { exit, stderr } = await run(
      'fetch',
      'bash',
      '--site',
      RELEASE,
      '--repo',
      join(dir, 'repo'),
      '--lock',
      join(dir, 'lock.json'),
    );
    expect(exit).toBe(1);
    expect(stderr).toContain('no index for x86_64 has a valid signature of a trusted key');
    expect(existsSync(join(dir, 'repo'))).toBe(false);
  });

  test('--unsigned is loud and recorded', async () => {
    const site = join(dir, 'site');
    cpSync(RELEASE, site, { recursive: true });
    for (const form of ['zst', 'xz', 'bz2', 'ini']) rmSync(join(site, `x86_64/setup.${form}.sig`));
    const { exit, stdout, stderr } = await fetch('bash', '--unsigned', '--site', site);
    expect(exit).toBe(0);
    expect(stdout).toContain('UNSIGNED');
    expect(stderr).toContain('UNSIGNED');
    expect(readFileSync(join(dir, 'lock.json'), 'utf8')).toContain('"unsigned"');
  });

  test('a lock records the signer of an index that is named by its URL, as that of a site', async () => {
    await using server = await FaultServer.start(releaseScript());
    const lock = join(dir, 'lock.json');
    const indexes = async (...from: readonly string[]): Promise<unknown> => {
      expect((await run('lock', 'bash', ...from, '--keyring', KEY, '--lock', lock)).exit).toBe(0);
      return (JSON.parse(readFileSync(lock, 'utf8')) as { indexes: unknown }).indexes;
    };
    const ofSite = await indexes('--site', `${server.url}/`);
    expect(await indexes('--index', `${server.url}/x86_64/setup.zst`)).toEqual(ofSite);
    expect(ofSite).toEqual([expect.objectContaining({ signer: expect.stringMatching(/^[0-9A-F]{40}$/i) })]);
  });

  test('lint checks an index that is named by its URL, with its signature', async () => {
    await using server = await FaultServer.start(releaseScript());
    const url = `${server.url}/x86_64/setup.zst`;
    expect(await run('lint', url, '--keyring', KEY)).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('0 errors'),
    });
    expect(await run('lint', url)).toMatchObject({ exit: 1, stderr: expect.stringContaining('it is signed by key') });
  });

  test('the URL of an index cannot be combined with a site', async () => {
    const index = 'http://127.0.0.1:1/x86_64/setup.zst';
    for (const option of ['--site', '--add-site', '--unsigned-site'])
      expect(await run('resolve', 'bash', '--index', index, option, RELEASE)).toMatchObject({
        exit: 2,
        stderr: expect.stringContaining(`--index cannot be combined with ${option}`),
      });
  });

  test('--full-index keeps the index of the site with its signature', async () => {
    await fetch('bash', '--full-index', '--site', RELEASE);
    for (const name of ['setup.zst', 'setup.zst.sig']) {
      expect(readFileSync(join(dir, 'repo/x86_64', name)).equals(readFileSync(join(RELEASE, 'x86_64', name)))).toBe(
        true,
      );
    }
    await fetch('bash', '--site', RELEASE);
    expect(repoFiles().filter((path) => path.includes('setup.'))).toEqual(['x86_64/setup.ini']);
  });

  test('--full-index that is not that of the lock is warned of', async () => {
    await fetch('bash', '--site', RELEASE);
    const lock = join(dir, 'lock.json');
    writeFileSync(
      lock,
      readFileSync(lock, 'utf8').replace(/("indexes": .*?"sha512": ")[0-9a-f]{128}/s, `$1${'0'.repeat(128)}`),
    );
    expect((await fetch('bash', '--full-index', '--site', RELEASE)).stderr).toContain('differs from that of the lock');
  });

  test('a locked archive that the index has with another digest is warned of', async () => {
    await fetch('bash', '--site', RELEASE);
    const site = join(dir, 'site');
    cpSync(RELEASE, site, { recursive: true });
    for (const form of ['zst', 'xz', 'bz2']) rmSync(join(site, `x86_64/setup.${form}`));
    const text = readFileSync(join(site, 'x86_64/setup.ini'), 'utf8');
    writeFileSync(
      join(site, 'x86_64/setup.ini'),
      text.replace(/(bash-5\.2\.21-1-x86_64\.tar\.xz \d+ )[0-9a-f]{128}/, `$1${'0'.repeat(128)}`),
    );
    rmSync(join(site, 'x86_64/setup.ini.sig'));
    rmSync(join(dir, 'repo'), { recursive: true });
    expect((await fetch('bash', '--unsigned', '--site', site)).stderr).toContain(
      'does not list `bash 5.2.21-1` as locked',
    );
  });

  test('--sign-key signs the index', async () => {
    const key = await generateKey({
      type: 'rsa',
      rsaBits: 2048,
      userIDs: [{ name: 'me' }],
      subkeys: [],
      format: 'object',
    });
    writeFileSync(join(dir, 'secret.gpg'), key.privateKey.write());
    writeFileSync(join(dir, 'public.gpg'), key.publicKey.write());
    const { exit } = await fetch('bash', '--sign-key', join(dir, 'secret.gpg'), '--site', RELEASE);
    expect(exit).toBe(0);
    const answer = await verifyDetached(
      readFileSync(join(dir, 'repo/x86_64/setup.ini')),
      readFileSync(join(dir, 'repo/x86_64/setup.ini.sig')),
      await readKeyring([join(dir, 'public.gpg')]),
    );
    expect(answer.kind).toBe('verified');
  });

  test('--installer accepts only a setup program with a valid signature', async () => {
    const site = join(dir, 'site');
    mkdirSync(site);
    // Any signed bytes will do; nobody runs them.
    cpSync(join(RELEASE, 'x86_64/setup.xz'), join(site, 'setup-x86_64.exe'));
    cpSync(join(RELEASE, 'x86_64/setup.xz.sig'), join(site, 'setup-x86_64.exe.sig'));
    const args = ['bash', '--site', RELEASE, '--installer', '--installer-site', site];
    expect((await fetch(...args)).exit).toBe(0);
    expect(repoFiles()).toContain('setup-x86_64.exe');
    rmSync(join(dir, 'repo'), { recursive: true });
    writeFileSync(join(site, 'setup-x86_64.exe'), 'something else');
    const refused = await fetch(...args);
    expect(refused).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('`setup-x86_64.exe` is refused') as string,
    });
    expect(repoFiles()).not.toContain('setup-x86_64.exe');
  });
});
