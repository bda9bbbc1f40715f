import { spawnSync } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { parseMarker } from '../../../src/guest/console-markers.ts';
import { LOG_RULES } from '../../../src/guest/cygwin/log-rules.ts';
import { VERIFY_SCRIPT, verifyFiles } from '../../../src/guest/cygwin/verify.ts';
import { CYGCHECK } from '../../../src/guest/stand-in/records.ts';
import { describeWith } from '../../support/qemu.ts';
import { makeInstallation, setupLog, withLines } from './installation.ts';

const directory = await mkdtemp(join(tmpdir(), 'cygstrap-verify-log-'));
const tree = join(directory, 'tree');
const consoleFile = join(directory, 'console.txt');
afterAll(async () => rm(directory, { recursive: true, force: true }));
beforeEach(async () => rm(consoleFile, { force: true }));

/** Lines of setup for each rule. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  'package-not-found': ["Package 'gcc' not found."],
  'version-not-found': ['package: gcc-core version: 9.9-9 not found'],
  'damaged-archive': [
    'INVALID PACKAGE: E:\\repo\\x.tar.zst - Size mismatch: Ini-file: 12 != On-disk: 11',
    'SHA512 mismatch: Ini-file: ab != On-disk: cd',
    'MD5 mismatch: Ini-file: ab != On-disk: cd',
  ],
  'unreadable-archive': [
    "Can't open file://E:\\repo\\x.tar.zst for reading: No such file",
    'Unable to extract /usr/bin/x: no space',
    "mbox note: Can't open (null) for reading: Unknown filename",
  ],
  'file-not-written': [
    'Failed to open cygfile:///usr/bin/x.exe for writing.',
    'Failed to make the path for cygfile:///usr/bin/x.exe',
    'Failed to output cygfile:///usr/bin/x.exe',
    'Failed to extract the file cygfile:///usr/bin/x.exe from the archive',
    'Unable to install file cygfile:///usr/bin/x.exe.new',
    'Warning: Unable to create lst file cygfile:///etc/setup/x.lst.gz - uninstall of this package will leave files.',
  ],
  'file-in-use': [
    'Not replacing in-use file cygfile:///usr/bin/x.exe',
    'Unable to schedule reboot replacement of file C:\\x with C:\\x.new (Win32 Error 5)',
  ],
  'not-solved': ['default solutions did not solve all problems!'],
  'not-elevated': ['Starting elevated child process failed'],
  'download-failed': [
    'download error in unattended_mode: out of retries',
    'download/verify error in unattended_mode: 1 retry',
  ],
  question: ['mbox fatal: Kann nicht', 'mbox : Unsupported', 'unattended_mode failed for 7'],
  canceled: ['User cancelled setup after install error'],
  incomplete: [
    'note: Installation incomplete.  Check C:\\setup.log.full for details',
    'note: Nothing needed to be installed',
  ],
};

/** Runs the script in sh, and returns the lines that it adds to the console. */
async function verify(): Promise<string[]> {
  const { status, stderr } = spawnSync(
    'sh',
    [join(tree, 'medium/verify.sh'), join(tree, 'medium'), consoleFile, join(tree, 'root')],
    { encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return (await readFile(consoleFile, 'utf8')).split('\n').slice(0, -1);
}

test('the table has lines for each rule', () => {
  const ids = LOG_RULES.flatMap(({ id, pattern }) => (pattern === null ? [] : [id]));
  expect(Object.keys(LINES)).toEqual(ids);
  for (const { id, meaning, advice } of LOG_RULES) expect(id + meaning + advice).toMatch(/^[a-z-]+[ -~]+$/);
});

describeWith(['sh', 'awk', 'find', 'gzip'], 'the log', () => {
  test.each(Object.entries(LINES))('a line of the kind %s is found once', async (id, lines) => {
    for (const isStamped of [true, false]) {
      await rm(consoleFile, { force: true });
      await makeInstallation(tree, { log: withLines('Extracting from', lines), isStamped });
      expect((await verify()).slice(0, -1)).toEqual(lines.map((line) => `@cygstrap finding log ${id} ${line}`));
    }
  });

  test('what a script prints is no finding', async () => {
    const printed = Object.entries(LINES)
      .filter(([id]) => !['question', 'canceled', 'incomplete', 'download-failed'].includes(id))
      .flatMap(([, lines]) => lines.filter((line) => !line.startsWith('mbox ')));
    await makeInstallation(tree, { log: withLines('bash.sh"', printed), isStamped: false });
    expect(await verify()).toEqual(['@cygstrap verdict 0 7']);
  });

  test('a second check adds its verdict to that of the first', async () => {
    await makeInstallation(tree);
    await verify();
    expect(await verify()).toEqual(['@cygstrap verdict 0 7', '@cygstrap verdict 0 7']);
  });

  test('a list with CR and LF is read', async () => {
    await makeInstallation(tree, { locked: [] });
    await appendFile(join(tree, 'medium/locked'), 'bash 5.2.21-1\r\nghost 1.0-1\r\nbad\r\n');
    const lines = await verify();
    expect(lines).toContain('@cygstrap finding missing ghost lock: 1.0-1; not installed');
    expect(lines).toContain('@cygstrap finding check locked line 3 is damaged: bad');
    expect(lines.join('\n')).not.toContain('bash');
  });

  test('long lines and many findings are bounded, and every line is a marker', async () => {
    const line = `Failed to output cygfile:///usr/bin/${'x'.repeat(400)}\u20ac`;
    const log = withLines(
      'Extracting from',
      Array.from({ length: 300 }, () => line),
      setupLog(),
    );
    await makeInstallation(tree, { log });
    const lines = await verify();
    expect(lines).toHaveLength(202);
    expect(lines.at(-2)).toBe('@cygstrap finding check findings 100 more are not listed');
    expect(lines.at(-1)).toBe('@cygstrap verdict 201 7');
    for (const each of lines) {
      expect(each).toMatch(/^[ -~]{1,300}$/);
      expect(parseMarker(each)).toBeDefined();
    }
  });
});

describeWith(['shellcheck'], 'shellcheck', () => {
  test.each([
    [VERIFY_SCRIPT, verifyFiles([]).get(VERIFY_SCRIPT)],
    ['cygcheck', CYGCHECK],
  ])('has no remark about %s', (_name, input) => {
    const { stdout } = spawnSync('shellcheck', ['-'], { input, encoding: 'utf8' });
    expect(stdout).toBe('');
  });
});
