import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guestKind } from '../../src/api/guest-kinds.ts';
import { requireWindows } from '../../src/api/windows.ts';
import { windowsHint } from '../../src/api/windows-hint.ts';
import { parseLock } from '../../src/core/lock/parse.ts';
import type { Lock } from '../../src/core/lock/lock.ts';
import { parseText } from '../../src/core/setup-ini/parser/parse.ts';
import type { Run } from '../support/main.ts';
import { runMain } from '../support/main.ts';
import { PROJECT } from '../support/transcript.ts';

const CIRCA = 'http://ctm.crouchingtigerhiddenfruitbat.org/pub/cygwin/circa';

let base = '';
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'cygstrap-windows-'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const run = (...argv: readonly string[]): Promise<Run> => runMain(argv, join(base, 'cache'));

/** Writes a site with one package `cygwin`, as of before `_windows` was required. */
function siteWith(version: string, { arch = 'x86_64', header = '' } = {}): string {
  const site = join(base, `${arch}-${version}`);
  const path = `${arch}/release/cygwin/cygwin-${version}.tar.xz`;
  const write = (name: string, content: string): void => {
    mkdirSync(dirname(join(site, name)), { recursive: true });
    writeFileSync(join(site, name), content);
  };
  write(path, 'archive');
  const sha512 = createHash('sha512').update('archive').digest('hex');
  const record = `@ cygwin\ncategory: Base\nversion: ${version}\ninstall: ${path} 7 ${sha512}\n`;
  write(`${arch}/setup.ini`, `release: cygwin\narch: ${arch}\nsetup-timestamp: 1700000000\n${header}\n${record}`);
  return site;
}

const indexOf = (site: string, arch = 'x86_64'): string => join(site, arch, 'setup.ini');

describe('lock', () => {
  test('refuses a Cygwin that does not run on the Windows, names the dated site, and writes nothing', async () => {
    const out = join(base, 'refused.json');
    const argv = ['lock', '--index', indexOf(siteWith('3.5.0-1')), '--windows', 'windows-7', '--lock', out];
    expect(await run(...argv)).toMatchObject({
      exit: 1,
      stdout: '',
      stderr:
        'error: `cygwin 3.5.0-1` does not run on Windows 7 or Windows Server 2008 R2: it requires Windows 8.1 or ' +
        'Server 2012 R2, or later\nhint: the last Cygwin for Windows 7 or Windows Server 2008 R2 is 3.4.10: use ' +
        `\`--site ${CIRCA}/64bit/2024/01/30/231215 --unsigned\`; or use another Windows\n`,
    });
    expect(existsSync(out)).toBe(false);
    const { exit, stdout } = await run(...argv, '--json');
    expect(exit).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'windows',
      details: {
        reason: 'version',
        kind: null,
        windows: '6.1.7601',
        arch: 'x86_64',
        package: 'cygwin',
        version: '3.5.0-1',
        needs: '6.3',
        last: { version: '3.4.10', arch: 'x86_64', site: `${CIRCA}/64bit/2024/01/30/231215`, isSigned: false },
      },
    });
  });

  test('records the version of a kind, of the command line and of a project file', async () => {
    const out = join(base, 'seven.json');
    const argv = ['lock', '--index', indexOf(siteWith('3.4.10-1')), '--lock', out];
    expect(await run(...argv, '--windows', 'windows-7')).toMatchObject({ exit: 0 });
    expect(parseLock(readFileSync(out, 'utf8'), out).request.windows).toBe('6.1.7601');
    const config = join(base, 'cygstrap.json');
    writeFileSync(config, '{ "windows": "windows-2012r2" }');
    expect(await run(...argv, '--config', config)).toMatchObject({ exit: 0 });
    expect(parseLock(readFileSync(out, 'utf8'), out).request.windows).toBe('6.3.9600');
  });

  test('refuses 64-bit packages for Windows XP, and names the 32-bit site', async () => {
    const index = indexOf(siteWith('2.5.2-1'));
    const { exit, stderr } = await run('lock', '--index', index, '--windows', 'windows-xp', '--lock', join(base, 'xp'));
    expect({ exit, stderr }).toEqual({
      exit: 1,
      stderr:
        'error: packages for x86_64 do not run on Windows XP\nhint: the last Cygwin for Windows XP is ' +
        `2.5.2: use \`--arch x86 --site ${CIRCA}/2016/08/30/104223 --unsigned\`; or use another Windows\n`,
    });
  });

  test('refuses an index for a setup program that does not run on the Windows', async () => {
    const site = siteWith('2.5.1-1', { arch: 'x86', header: 'setup-minimum-version: 2.933\n' });
    const argv = ['lock', '--index', indexOf(site, 'x86'), '--lock', join(base, 'setup.json')];
    const { exit, stderr } = await run(...argv, '--windows', 'windows-xp');
    expect(exit).toBe(1);
    expect(stderr).toContain('error: the index requires setup 2.933, and the last for Windows XP is 2.932\nhint: ');
    expect(await run(...argv, '--windows', 'windows-7')).toMatchObject({ exit: 0 });
  });
});

describe('fetch and media', () => {
  test('refuse the combination, for a new lock and for one made elsewhere', async () => {
    const site = siteWith('3.5.0-1');
    const places = ['--repo', join(base, 'repo'), '--lock', join(base, 'repo.json')];
    const argv = ['fetch', '--no-base', 'cygwin', '--site', site, '--unsigned', ...places];
    const refused = {
      exit: 1,
      stderr: expect.stringContaining('`cygwin 3.5.0-1` does not run on Windows 7 or Windows Server 2008 R2'),
    };
    expect(await run(...argv, '--windows', '6.1.7601')).toMatchObject(refused);
    expect(existsSync(join(base, 'repo'))).toBe(false);
    expect(existsSync(join(base, 'repo.json'))).toBe(false);

    expect(await run(...argv)).toMatchObject({ exit: 0 });
    const text = readFileSync(join(base, 'repo.json'), 'utf8').replace('10.0.19045', '6.1.7601');
    writeFileSync(join(base, 'repo.json'), text);
    expect(await run('fetch', '--frozen', '--site', site, '--unsigned', ...places)).toMatchObject(refused);
    const media = await run('media', ...places, '--out', join(base, 'media'));
    expect(media).toMatchObject(refused);
    expect(existsSync(join(base, 'media'))).toBe(false);
  });

  test('print the option with which setup accepts an old Windows and 32-bit packages', async () => {
    const site = siteWith('2.5.2-1', { arch: 'x86' });
    const places = ['--repo', join(base, 'xp'), '--lock', join(base, 'xp.json')];
    const argv = ['fetch', '--arch', 'x86', '--windows', 'windows-xp', '--site', site, '--unsigned', ...places];
    const { exit, stdout } = await run(...argv);
    expect(exit).toBe(0);
    expect(stdout).toContain('setup-x86.exe --quiet-mode --upgrade-also --allow-unsupported-windows --no-verify');
    // Before anything is requested from its site.
    expect(await run(...argv, '--installer')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining(
        'error: the current setup program does not run on Windows XP: the last that does is setup 2.932\n',
      ),
    });
  });
});

describe('requireWindows, for a kind of guest', () => {
  const request = { arch: 'x86_64' } as Lock['request'];
  const lockOf = (name: string, version: string): Lock =>
    ({ request, packages: [{ name, version }] }) as unknown as Lock;

  test('checks the kind instead of the recorded Windows', () => {
    expect(() => requireWindows('windows-7', lockOf('cygwin', '3.5.0-1'))).toThrow(
      expect.objectContaining({ code: 'windows', details: expect.objectContaining({ kind: 'windows-7' }) }),
    );
    expect(() => requireWindows('windows-11', lockOf('cygwin', '3.5.0-1'))).not.toThrow();
  });

  test('checks the architecture of the medium', () => {
    const lock = lockOf('cygwin', '3.3.6-1');
    expect(() => requireWindows('windows-10', lock, { architecture: 'amd64' })).not.toThrow();
    expect(() => requireWindows('windows-10', lock, { architecture: 'x86' })).toThrow('32-bit Windows 10');
  });

  test('checks the requirements of the locked versions in the index', () => {
    const { records } = parseText(
      '@ tool\nversion: 2-1\ndepends2: _windows (>= 10.0)\n[prev]\nversion: 1-1\ndepends2: cygwin\n',
      { file: 'index' },
    );
    expect(() => requireWindows('windows-8.1', lockOf('tool', '1-1'), { records })).not.toThrow();
    expect(() => requireWindows('windows-8.1', lockOf('tool', '2-1'), { records })).toThrow(
      '`tool 2-1` cannot be installed on Windows 8.1: it requires `_windows (>= 10.0)`',
    );
  });
});

const REAL = join(PROJECT, '../shared/data/setup-ini');

describe.skipIf(!existsSync(REAL))('real indexes (skipped without ../shared)', () => {
  const lockReal = (index: string, windows: string, ...argv: string[]): Promise<Run> =>
    run(
      'lock',
      '--windows',
      windows,
      '--index',
      join(REAL, index),
      '--lock',
      join(base, `${index}.${windows}`),
      ...argv,
    );

  test.each([
    ['2009-12-29_x86_setup.xz', 'windows-xp'],
    ['2013-08-05_x86_setup.xz', 'windows-xp'],
    ['2013-08-05_x86_setup.xz', 'windows-11'],
    ['2014-10-15_x86_64_setup.xz', 'windows-2003'],
    ['2014-10-15_x86_64_setup.xz', 'windows-7'],
    ['2025-08-02_x86_64_setup.xz', 'windows-8.1'],
    ['2025-08-02_x86_64_setup.xz', 'windows-2025'],
  ])('%s fits %s', async (index, windows) => {
    // Before 2013, the index itself does not name its architecture.
    const arch = index.includes('x86_64') ? 'x86_64' : 'x86';
    expect(await lockReal(index, windows, '--arch', arch)).toMatchObject({ exit: 0 });
  });

  test.each([
    ['2013-08-05_x86_setup.xz', '5.0.2195', '--site http://'],
    ['2014-10-15_x86_64_setup.xz', 'windows-xp', `--arch x86 --site ${CIRCA}/2016/08/30/104223`],
    ['2025-08-02_x86_64_setup.xz', 'windows-7', `--site ${CIRCA}/64bit/2024/01/30/231215`],
    ['2025-08-02_x86_64_setup.xz', 'windows-xp', `--arch x86 --site ${CIRCA}/2016/08/30/104223`],
  ])('%s is too new for %s, or has the wrong architecture', async (index, windows, hint) => {
    expect(await lockReal(index, windows)).toMatchObject({ exit: 1, stderr: expect.stringContaining(hint) });
  });
});

test.each([
  ['win10', 'did you mean `windows-10`?'],
  ['Windows 8.1', 'did you mean `windows-8.1`?'],
  ['xp', 'did you mean `windows-xp`?'],
  ['server2022', 'did you mean `windows-2022`?'],
  ['widnows-7', 'did you mean `windows-7`?'],
  ['windows-12', 'the kinds are windows-xp, windows-2003, '],
  ['ten', 'the kinds are windows-xp, windows-2003, '],
])('the hint for the unknown Windows `%s`', (text, hint) => {
  expect(windowsHint(text).startsWith(hint)).toBe(true);
});

test('an unknown guest gets the nearest kind too', () => {
  expect(() => guestKind('standin')).toThrow(expect.objectContaining({ hint: 'did you mean `stand-in`?' }));
});
