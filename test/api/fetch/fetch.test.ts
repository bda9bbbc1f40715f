import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';
import { FaultServer } from '../../support/fault-server.ts';
import { fault } from '../../support/faults.ts';
import { PROJECT } from '../../support/transcript.ts';
import { dir, fetch, filesBelow, KEY, published, RELEASE, releaseScript, repoFiles, run } from './command-support.ts';

describe('a fetch', () => {
  test('makes a repo with exactly the plan, its index, and a lock', async () => {
    const { exit, stdout } = await fetch('openssh', 'gcc-core', '--site', RELEASE);
    expect(exit).toBe(0);
    expect(stdout).toContain('6 files, 18.4 KiB, verified: 6 read now, 0 unchanged since they were read; 6 fetched');
    const { records } = parseText(published(), { file: 'setup.ini' });
    const listed = records.flatMap(({ versions }) => versions.map(({ install }) => install?.path ?? ''));
    expect(repoFiles()).toEqual([...listed, 'x86_64/setup.ini'].sort());
    const lock = JSON.parse(readFileSync(join(dir, 'lock.json'), 'utf8')) as {
      packages: { path: string }[];
      indexes: { signer: string }[];
    };
    expect(lock.packages.map(({ path }) => path).sort()).toEqual(listed.sort());
    expect(lock.indexes[0]?.signer).toMatch(/^[0-9A-F]{40}$/);
  });

  test('a second time sends no request and changes nothing', async () => {
    await using server = await FaultServer.start(releaseScript());
    await fetch('openssh', '--site', server.url);
    const before = repoFiles().map((path) => [path, readFileSync(join(dir, 'repo', path)).toString('base64')]);
    const requests = server.count();
    const again = await fetch('openssh', '--site', server.url);
    expect(again.stdout).toContain('0 fetched (0 B)');
    expect(server.count()).toBe(requests);
    expect(repoFiles().map((path) => [path, readFileSync(join(dir, 'repo', path)).toString('base64')])).toEqual(before);
  });

  test('repairs damaged, missing and unfinished files', async () => {
    await fetch('openssh', '--site', RELEASE, '--no-cache');
    const [first = '', second = ''] = repoFiles().filter((path) => path.includes('release'));
    const good = readFileSync(join(dir, 'repo', first));
    writeFileSync(join(dir, 'repo', first), Buffer.from(good).fill(0, 0, 10));
    rmSync(join(dir, 'repo', second));
    expect((await fetch('openssh', '--site', RELEASE, '--no-cache')).stdout).toContain('2 fetched');
    expect(readFileSync(join(dir, 'repo', first)).equals(good)).toBe(true);
  });

  test('of a second repo uses archives of the shared cache', async () => {
    await fetch('openssh', '--site', RELEASE);
    rmSync(join(dir, 'repo'), { recursive: true });
    await using server = await FaultServer.start(releaseScript());
    await fetch('openssh', '--site', server.url);
    expect(server.log.filter(({ path }) => path.includes('/release/'))).toEqual([]);
  });

  test('with --dry-run prints the plan and writes nothing', async () => {
    const { exit, stdout } = await fetch('openssh', '--site', RELEASE, '--dry-run');
    expect(exit).toBe(0);
    expect(stdout).toContain('0 already present, 5 to fetch');
    expect(readdirSync(dir).filter((name) => name !== 'cache')).toEqual([]);
  });

  test('with --dry-run leaves a download directory of setup as it was', async () => {
    cpSync(RELEASE, join(dir, 'repo'), { recursive: true });
    const before = filesBelow(join(dir, 'repo'));
    expect((await fetch('openssh', '--site', RELEASE, '--dry-run')).stdout).toContain('5 already present, 0 to fetch');
    expect(filesBelow(join(dir, 'repo'))).toEqual(before);
  });

  test('with --json prints events and a summary, one per line', async () => {
    const { stdout } = await fetch('openssh', '--site', RELEASE, '--json');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string });
    const kinds = lines.map(({ kind }) => kind);
    expect(kinds).toContain('fetch-start');
    expect(kinds.filter((kind) => kind === 'transfer-done')).toHaveLength(5);
    expect(lines.at(-1)).toMatchObject({
      schema: 1,
      kind: 'fetched',
      files: 5,
      presentFiles: 0,
      index: { packages: 5 },
    });
  });

  test('of everything is a mirror, with previous and test versions, and no lock', async () => {
    const { exit } = await fetch('--all', '--source', '--site', RELEASE);
    expect(exit).toBe(0);
    expect(repoFiles().filter((path) => path.includes('/release/'))).toEqual(
      filesBelow(RELEASE).filter((path) => path.includes('/release/')),
    );
    expect(existsSync(join(dir, 'lock.json'))).toBe(false);
  });

  test('keeps previous versions when asked to', async () => {
    await fetch('bash', '--prev', '1', '--site', RELEASE);
    expect(published()).toContain('5.1.16-1');
    rmSync(join(dir, 'repo'), { recursive: true });
    await fetch('bash', '--site', RELEASE);
    expect(published()).not.toContain('5.1.16-1');
  });

  test('lays out as setup does with --layout site', async () => {
    await using server = await FaultServer.start(releaseScript());
    await fetch('bash', '--layout', 'site', '--site', server.url);
    const [directory] = readdirSync(join(dir, 'repo')).filter((name) => name !== '.cygstrap');
    expect(directory).toMatch(/^http%3a%2f%2f127\.0\.0\.1%3a\d+%2f$/);
    expect(existsSync(join(dir, 'repo', directory ?? '', 'x86_64/setup.ini'))).toBe(true);
  });
});

describe('verify --repair', () => {
  test('downloads only damaged and missing files again', async () => {
    await fetch('openssh', '--site', RELEASE, '--no-cache');
    const [first = '', second = ''] = repoFiles().filter((path) => path.includes('release'));
    writeFileSync(join(dir, 'repo', first), 'damaged');
    rmSync(join(dir, 'repo', second));
    const damaged = await run('verify', join(dir, 'repo'));
    expect(damaged.exit).toBe(1);
    expect(damaged.stdout).toContain(`${first}: wrong size`);
    expect(damaged.stdout).toContain(`${second}: missing`);
    await using server = await FaultServer.start(releaseScript());
    const repaired = await run('verify', join(dir, 'repo'), '--repair', '--site', server.url, '--no-cache');
    expect(repaired).toMatchObject({ exit: 0, stdout: expect.stringContaining('no damage') as string });
    expect(server.count()).toBe(2);
    expect((await run('verify', join(dir, 'repo'))).exit).toBe(0);
  });

  test('needs a site', async () => {
    await fetch('openssh', '--site', RELEASE);
    expect((await run('verify', join(dir, 'repo'), '--repair')).exit).toBe(2);
  });
});

test('a second index: each package comes from the site whose index has it, into one index', async () => {
  const other = join(dir, 'other');
  mkdirSync(join(other, 'x86_64/release/mine'), { recursive: true });
  writeFileSync(join(other, 'x86_64/release/mine/mine-1-1.tar.xz'), 'mine');
  const hex = createHash('sha512').update('mine').digest('hex');
  const text =
    'release: other\narch: x86_64\nsetup-timestamp: 1\n\n@ mine\nsdesc: "mine"\ncategory: Utils\nrequires: ' +
    `bash\nversion: 1-1\ninstall: x86_64/release/mine/mine-1-1.tar.xz 4 ${hex}\n`;
  writeFileSync(join(other, 'x86_64/setup.ini'), text);
  await using main = await FaultServer.start(releaseScript());
  await using third = await FaultServer.start(
    Object.fromEntries(filesBelow(other).map((path) => [`/${path}`, fault.serve(readFileSync(join(other, path)))])),
  );
  expect((await fetch('mine', '--site', main.url, '--unsigned-site', third.url)).exit).toBe(0);
  expect(third.log.filter(({ path }) => path.includes('/release/')).map(({ path }) => path)).toEqual([
    '/x86_64/release/mine/mine-1-1.tar.xz',
  ]);
  expect(main.log.some(({ path }) => path.includes('mine'))).toBe(false);
  const { records } = parseText(published(), { file: 'setup.ini' });
  expect(records.map(({ name }) => name)).toEqual(expect.arrayContaining(['bash', 'mine']));
  expect((await run('verify', join(dir, 'repo'), '--lock', join(dir, 'lock.json'))).exit).toBe(0);
});

describe('Ctrl-C', () => {
  test('stops in order, reports what is stored, and the same command continues from there', async () => {
    const slow = '/x86_64/release/cygwin/cygwin-3.5.4-1-x86_64.tar.xz';
    await using server = await FaultServer.start(releaseScript({ [slow]: fault.silence() }));
    const args = [
      join(PROJECT, 'bin/cygstrap.js'),
      'fetch',
      'openssh',
      '--site',
      server.url,
      '--repo',
      join(dir, 'repo'),
      '--lock',
      join(dir, 'lock.json'),
      '--keyring',
      KEY,
      '--no-cache',
      '--json',
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let stdout = '';
    let isAsked = false;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      if (isAsked || stdout.split('transfer-done').length < 5) return;
      isAsked = true;
      child.kill('SIGINT');
    });
    const [exit] = (await once(child, 'close')) as [number | null];
    expect(exit).toBe(130);
    expect(stdout).toContain('interrupted: 4 of 5 missing files are fetched and verified');
    expect(repoFiles().filter((path) => path.includes('setup.'))).toEqual([]);
    server.set(slow, fault.serve(readFileSync(join(RELEASE, slow))));
    expect((await fetch('openssh', '--site', server.url)).stdout).toContain('1 fetched');
  });
});

describe('what goes wrong', () => {
  test('a file that no site has: it is named with its reasons, and no index is published', async () => {
    const missing = '/x86_64/release/bash/bash-5.2.21-1-x86_64.tar.xz';
    await using one = await FaultServer.start(releaseScript({ [missing]: fault.status(404) }));
    await using other = await FaultServer.start(
      releaseScript({ [missing]: fault.wrongBytes(readFileSync(join(RELEASE, missing))) }),
    );
    const { exit, stderr } = await fetch('openssh', '--site', one.url, '--site', other.url);
    expect(exit).toBe(3);
    expect(stderr).toContain('1 of the files could not be fetched');
    expect(stderr).toContain(`${one.url}/: `);
    expect(stderr).toContain(`${other.url}/: `);
    expect(stderr).toContain('sha512 differs');
    expect(repoFiles().filter((path) => path.includes('setup.'))).toEqual([]);
    other.set(missing, fault.serve(readFileSync(join(RELEASE, missing))));
    expect((await fetch('openssh', '--site', one.url, '--site', other.url)).stdout).toContain('1 fetched');
  });

  test('a hostile index is refused before anything is written', async () => {
    const index =
      'release: x\narch: x86_64\nsetup-timestamp: 1\n\n@ evil\nsdesc: "evil"\ncategory: Base\nversion: ' +
      '1-1\ninstall: x86_64/release/../../../evil.tar.xz 3 ' +
      'a'.repeat(128) +
      '\n';
    mkdirSync(join(dir, 'site/x86_64'), { recursive: true });
    writeFileSync(join(dir, 'site/x86_64/setup.ini'), index);
    const { exit, stderr } = await fetch('evil', '--unsigned', '--site', join(dir, 'site'));
    expect(exit).toBe(1);
    expect(stderr).toContain('..');
    expect(existsSync(join(dir, 'repo'))).toBe(false);
    expect(existsSync(join(dir, 'evil.tar.xz'))).toBe(false);
  });

  test('a source package of its own is listed when its source is fetched', async () => {
    const hex = (text: string): string => createHash('sha512').update(text).digest('hex');
    mkdirSync(join(dir, 'site/x86_64/release'), { recursive: true });
    writeFileSync(join(dir, 'site/x86_64/release/lib.tar.xz'), 'lib');
    writeFileSync(join(dir, 'site/x86_64/release/all-src.tar.xz'), 'src');
    const text = [
      'release: x\narch: x86_64\nsetup-timestamp: 1\n',
      `@ all-src\nsdesc: "all"\ncategory: Libs\nversion: 1-1\nsource: x86_64/release/all-src.tar.xz 3 ${hex('src')}\n`,
      '@ lib\nsdesc: "lib"\ncategory: Base\nversion: 1-1\ninstall: x86_64/release/lib.tar.xz 3 ' +
        `${hex('lib')}\nSource: all-src\n`,
    ];
    writeFileSync(join(dir, 'site/x86_64/setup.ini'), text.join('\n'));
    expect((await fetch('lib', '--source', '--unsigned', '--site', join(dir, 'site'))).stdout).toContain('2 files');
    expect(published()).toContain('all-src.tar.xz');
    expect((await run('verify', join(dir, 'repo'))).stdout).toContain('no damage');
  });

  test.each([
    [['bash', '--repo', 'x'], 'no site is given'],
    [['bash', '--site', 'x'], 'no repo is given'],
    [['bash', '--all', '--site', 'x', '--repo', 'x'], '--all cannot be combined with packages or categories'],
    [['--frozen', '--prev', '1', '--site', 'x', '--repo', 'x'], '--prev cannot be combined with --frozen'],
    [['bash', '--jobs', '0', '--site', 'x', '--repo', 'x'], '--jobs must be a number from 1 to 9999: `0`'],
    [
      ['bash', '--full-index', '--sign-key', 'k', '--site', 'x', '--repo', 'x'],
      '--full-index cannot be combined with --sign-key',
    ],
  ])('%j is refused', async (argv, message) => {
    expect(await run('fetch', ...argv)).toMatchObject({ exit: 2, stderr: expect.stringContaining(message) as string });
  });
});
