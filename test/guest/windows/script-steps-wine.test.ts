import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { array, assert, asyncProperty, constantFrom, oneof, string } from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { quoteForCmd } from '../../../src/guest/windows/cmd-quoting.ts';
import { scriptCall } from '../../../src/guest/windows/options.ts';
import { scriptFiles } from '../../../src/guest/windows/script.ts';
import { describeWith } from '../../support/qemu.ts';
import { SEED } from '../../support/seed.ts';
import { PROJECT } from '../../support/transcript.ts';
import { Wine } from '../../support/wine.ts';

const NETWORKS = 'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Network\\{4D36E972-E325-11CE-BFC1-08002BE10318}';
const INTERFACES = 'HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces';
const CARD = '{0A1B2C3D-0001-4000-8000-525400120101}';
const RUN = 'HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run';
const WINLOGON = 'HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon';
const BEFORE = ['@cygstrap stage logon', '@cygstrap stage script'];
const AFTER = [
  '@cygstrap stage configure',
  '@cygstrap said configure',
  '@cygstrap stage verify',
  '@cygstrap said verify',
];
const DONE = ['@cygstrap installed n0nce'];
// `call` of wine 8 returns 1 for every failure.
const FAILED_FIREWALL = /^@cygstrap failed firewall: logon exited with [15]$/;
/** Minutes, on a busy computer. */
const LIMIT_MS = 300_000;

/** What the programs of Windows do; each fails with 5 if there is a file `NAME.fail`. */
const STUBS: Readonly<Record<string, readonly string[]>> = {
  shutdown: [],
  powercfg: [],
  bcdedit: [],
  schtasks: [],
  sc: ['if "%1"=="query" if "%2"=="sshd" exit /b 1060'],
  net: [],
  route: [
    'echo Liste',
    'echo  12...52 54 00 12 01 01 ......Intel(R) 82574L',
    'echo   1...........................Loop',
  ],
  netsh: [
    `if "%1"=="interface" reg add "${INTERFACES}\\${CARD}" /v IPAddress /t REG_MULTI_SZ /d %6 /f >nul`,
    `if "%1"=="interface" reg add "${INTERFACES}\\${CARD}" /v Name /d "%4 %5" /f >nul`,
  ],
};

/** Setup, and bash, which prints its script on the console. `exit`: see `Wine.program`. */
const SETUP_LINES = [
  'mkdir C:\\cygwin64\\etc\\setup 2>nul',
  'mkdir C:\\cygwin64\\var\\log 2>nul',
  'echo x>C:\\cygwin64\\etc\\setup\\a.lst.gz',
  'echo 2026/01/01 00:00:00 Ending cygwin install>C:\\cygwin64\\var\\log\\setup.log',
  'if exist C:\\stubs\\setup.code exit 118',
];
const BASH_LINES = [
  'if "%2"=="/cygdrive/e/cygwin/configure.sh" echo @cygstrap said configure>C:\\cygstrap\\console.txt',
  'if "%2"=="/cygdrive/e/cygwin/verify.sh" echo @cygstrap said verify>C:\\cygstrap\\console.txt',
];

describeWith(['wine', 'wineserver', 'script', 'gcc'], 'the steps of the script in the cmd of wine', () => {
  let wine: Wine;

  beforeAll(async () => {
    wine = await Wine.start();
    for (const [name, lines] of Object.entries(STUBS))
      await wine.stub(name, [`if exist C:\\stubs\\${name}.fail exit /b 5`, ...lines]);
    await wine.stubProgram('ping.exe');
    const connection = `${NETWORKS}\\${CARD}\\Connection`;
    await reg('add', connection, '/v', 'PnpInstanceID', '/d', 'PCI\\VEN_8086&DEV_10D3', '/f');
    await reg(
      'add',
      `${NETWORKS}\\${CARD.replace('0001', '0002')}\\Connection`,
      '/v',
      'PnpInstanceID',
      '/d',
      'ROOT',
      '/f',
    );
  });
  afterAll(async () => wine[Symbol.asyncDispose]());

  test.each([
    [0, 0, ''],
    [1, 1, 'exit code 1'],
    [256, 1, 'exit code 256'],
    [-2147024896, 1, 'exit code -2147024896'],
    [-1073741819, 1, 'exit code -1073741819'],
  ])('exit code %d in the command line that the page about machines recommends', async (code, expected, text) => {
    const page = await readFile(join(PROJECT, 'src/docs/machines.md'), 'utf8');
    const line = / -- cmd \/v:on \/c '(in\\tool\.exe .*)'\n/.exec(page)?.[1] ?? '';
    await wine.program(join(wine.system, 'stubs', 'tool.exe'), [`exit ${code}`]);
    const result = await wine.run('cmd', '/v:on', '/c', line.replace('in\\', 'C:\\stubs\\'));
    expect([result.code, result.stdout.trim()]).toEqual([expected, text]);
  });

  beforeEach(async () => {
    for (const path of ['cygstrap', 'cygwin64', 'medium', 'repo'])
      await rm(join(wine.system, path), { recursive: true, force: true });
    const medium = join(wine.system, 'medium');
    await mkdir(medium);
    const setup = {
      program: 'setup-x86_64.exe',
      arch: 'x86_64',
      packages: 1,
      arguments: ['--local-package-dir', '<repo>', '--packages', 'a,b'],
    } as const;
    for (const [name, bytes] of scriptFiles({ kind: 'windows-10', nonce: 'n0nce', setup }))
      await writeFile(join(medium, name), bytes);
    await wine.setDrive('E', medium);
    await wine.setDrive('G', join(wine.system, 'repo'));
    await wine.program(join(wine.system, 'repo/setup-x86_64.exe'), SETUP_LINES);
    await wine.program(join(wine.system, 'cygwin64/bin/bash.exe'), BASH_LINES);
    await reg('delete', `${INTERFACES}\\${CARD}`, '/f');
    await reg('add', WINLOGON, '/v', 'DefaultPassword', '/d', 'Cy1-secret', '/f');
    await wine.lines();
    await wine.takeCalls();
  });

  async function reg(...words: readonly string[]): Promise<string> {
    return (await wine.run('reg', ...words)).stdout;
  }

  async function run(phase: 'specialize' | 'logon'): Promise<void> {
    const [, inner = ''] = /^cmd\.exe \/c "([^"]*)"$/.exec(scriptCall(phase)) ?? [];
    expect((await wine.run('cmd.exe', '/c', inner)).code).toBe(0);
  }

  async function fails(name: string): Promise<AsyncDisposable> {
    const file = join(wine.system, 'stubs', `${name}.fail`);
    await writeFile(file, '');
    return { [Symbol.asyncDispose]: async () => rm(file) };
  }

  /** Makes steps that were tested elsewhere done. */
  async function skip(...names: readonly string[]): Promise<void> {
    await mkdir(join(wine.system, 'cygstrap'), { recursive: true });
    for (const name of names) await writeFile(join(wine.system, 'cygstrap', `${name}.done`), '');
  }

  test('from specialize by SetupComplete.cmd to the end of the logon', { timeout: LIMIT_MS }, async () => {
    await run('specialize');
    expect((await wine.run('cmd.exe', '/c', 'C:\\windows\\Setup\\Scripts\\SetupComplete.cmd')).code).toBe(0);
    expect(await wine.lines()).toEqual(['@cygstrap stage specialize', '@cygstrap stage complete']);
    const early = await wine.takeCalls();
    expect(early).toContain('netsh interface ipv4 set address name=12 static 192.168.0.1 255.255.255.0');
    expect(early).toContain(
      'netsh advfirewall firewall add rule name=cygstrap dir=in action=allow protocol=TCP localport=22 profile=any',
    );
    expect(early).toContain('net accounts /maxpwage:unlimited');
    expect(early.filter((call) => call.startsWith('schtasks /run'))).toEqual(['schtasks /run /tn cygstrap']);
    expect(early.filter((call) => /^sc .*sshd/.test(call)).map((call) => call.trim())).toEqual(['sc query sshd']);
    expect(early).toContain('sc config wuauserv start= disabled');

    await run('logon');
    const progress = ['@cygstrap stage cygwin', '@cygstrap stage cygwin 1/1'];
    const lines = await wine.lines();
    expect(lines.filter((line) => line !== progress[1])).toEqual([...BEFORE, progress[0], ...AFTER, ...DONE]);
    const late = await wine.takeCalls();
    expect(late.filter((call) => /^(?:netsh|sc|powercfg|net) /.test(call))).toEqual([]);
    expect(late).toContain(
      'setup-x86_64 --root "C:\\cygwin64" --no-admin --no-desktop --no-shortcuts --no-startmenu --no-version-check ' +
        '--local-package-dir G:\\ --packages "a,b"',
    );
    expect(late.at(-1)).toBe('shutdown -s -t 0 -f');
    expect(await reg('query', RUN, '/v', 'cygstrap')).not.toContain('REG_SZ');
    expect(await reg('query', WINLOGON, '/v', 'DefaultPassword')).not.toContain('REG_SZ');
    expect(await reg('query', WINLOGON, '/v', 'AutoAdminLogon')).toMatch(/REG_SZ\s+0\b/);
    const policy = 'HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\WindowsUpdate\\AU';
    expect(await reg('query', policy, '/v', 'NoAutoUpdate')).toMatch(/0x1\b/);
    const log = await readFile(join(wine.system, 'cygstrap/cygstrap.log'), 'latin1');
    expect(log).not.toMatch(/is not|exit code/);
  });

  test('a failure of each program: named if the step is required', { timeout: LIMIT_MS }, async () => {
    await skip('settings', 'profile', 'cygwin', 'configure', 'verify');
    {
      await using _ = await fails('netsh');
      await run('logon');
      expect((await wine.lines()).at(-1)).toMatch(FAILED_FIREWALL);
      // The address is in the registry by other means.
      expect(await reg('query', `${INTERFACES}\\${CARD}`, '/v', 'IPAddress')).toContain('192.168.0.1');
    }
    await run('logon');
    expect((await wine.lines()).slice(-1)).toEqual(DONE);
    await rm(join(wine.system, 'cygstrap/configure.done'));
    await wine.program(join(wine.system, 'cygwin64/bin/bash.exe'), ['exit 7']);
    await run('logon');
    expect((await wine.lines()).slice(-2)).toEqual([
      '@cygstrap stage configure',
      '@cygstrap failed configure: logon exited with 7',
    ]);
    await rm(join(wine.system, 'cygstrap/cygwin.done'));
    await rm(join(wine.system, 'repo/setup-x86_64.exe'));
    await run('logon');
    expect((await wine.lines()).at(-1)).toBe('@cygstrap failed cygwin: no drive has setup-x86_64.exe');
  });

  test('after exit code 118 of setup, the logon after a restart goes on', { timeout: LIMIT_MS }, async () => {
    await skip('settings', 'network', 'firewall', 'profile');
    await writeFile(join(wine.system, 'stubs/setup.code'), '');
    try {
      await run('logon');
    } finally {
      await rm(join(wine.system, 'stubs/setup.code'));
    }
    expect((await wine.takeCalls()).at(-1)).toBe('shutdown -r -t 0 -f');
    expect((await wine.lines()).filter((line) => !line.includes('cygwin'))).toEqual(BEFORE);
    const [, command = ''] = /REG_SZ\s+(.*?)\r?\n/.exec(await reg('query', RUN, '/v', 'cygstrap')) ?? [];
    expect(command).toBe('cmd.exe /c C:\\cygstrap\\cygstrap.cmd logon');
    await wine.run('cmd.exe', '/c', 'C:\\cygstrap\\cygstrap.cmd', 'logon');
    expect(await wine.lines()).toEqual([...BEFORE, ...AFTER, ...DONE]);
    const calls = await wine.takeCalls();
    expect(calls.filter((call) => call.startsWith('setup'))).toEqual([]);
    expect(calls.at(-1)).toBe('shutdown -s -t 0 -f');
  });

  test('of two at once one works, and the other waits', { timeout: LIMIT_MS }, async () => {
    await skip('settings', 'network', 'firewall', 'profile');
    await Promise.all([run('logon'), run('logon')]);
    const once = [...BEFORE, '@cygstrap stage cygwin', ...AFTER, ...DONE];
    const lines = (await wine.lines()).filter((line) => !line.includes('cygwin 1/1'));
    // The other finds all steps done; on Windows it ends with the computer.
    expect(lines).toEqual([...once, ...BEFORE, ...DONE]);
    expect((await wine.takeCalls()).filter((call) => call.startsWith('setup'))).toHaveLength(1);
  });

  test('an argument for setup reaches a program as it is', { timeout: LIMIT_MS }, async () => {
    const shown = join(wine.system, 'shown');
    // A program of the host, whose arguments wine makes of the command line as Windows does.
    const show = `#!/bin/sh\nprintf '%s\\n' "$@" end >${shown}.part\nmv ${shown}.part ${shown}\n`;
    await writeFile(join(wine.system, 'stubs/show.exe'), show, { mode: 0o755 });
    const special = constantFrom(..."%!^&|<>()=,;'\\ *?~`@$#+[]{}", '%PATH%', '%%', '!a!', '^&', 'a', 'C:\\', '\\\\');
    const words = oneof(
      array(special, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('')),
      string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }).map((text) => text.replaceAll('"', '')),
    ).filter((word) => word !== '');
    const arrives = async (all: readonly string[]): Promise<void> => {
      await rm(shown, { force: true });
      const line = `show.exe ${all.map(quoteForCmd).join(' ')}`;
      const lines = ['@echo off', 'setlocal EnableExtensions DisableDelayedExpansion', line];
      await writeFile(join(wine.system, 'quote.cmd'), lines.map((each) => `${each}\r\n`).join(''));
      // Wine does not always start a program of the host when the process that calls it ends at once.
      let text: string | undefined;
      for (let tries = 0; tries < 3 && text === undefined; tries++) {
        await wine.run('cmd.exe', '/c', 'C:\\quote.cmd');
        text = await vi.waitFor(async () => readFile(shown, 'latin1'), 10_000).catch(() => undefined);
      }
      expect(text).toBe([...all, 'end', ''].join('\n'));
    };
    await arrives(['--packages', 'package,'.repeat(970)]);
    await assert(asyncProperty(array(words, { minLength: 1, maxLength: 4 }), arrives), { seed: SEED, numRuns: 40 });
  });
});
