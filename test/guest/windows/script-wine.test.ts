import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { array, assert, asyncProperty, constantFrom, integer } from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { WindowsKind } from '../../../src/core/windows/kinds.ts';
import { parseMarker } from '../../../src/guest/console-markers.ts';
import { SCRIPT_LOG, scriptCall } from '../../../src/guest/windows/options.ts';
import { scriptFiles } from '../../../src/guest/windows/script.ts';
import type { CommandPhase } from '../../../src/guest/windows/script.ts';
import { winntSif } from '../../../src/guest/windows/winnt-sif.ts';
import { describeWith } from '../../support/qemu.ts';
import { SEED } from '../../support/seed.ts';
import { Wine } from '../../support/wine.ts';

const SHUTDOWN = 'shutdown -s -t 0 -f';
const INSTALLED = ['@cygstrap stage logon', '@cygstrap stage script', '@cygstrap installed n0nce'];
const SETUP = { program: 'setup-x86_64.exe', arch: 'x86_64', packages: 1, arguments: [] } as const;
const LETTERS = [...'DEFGHIJKLMNOPQRSTUVWYZ'];

describeWith(['wine', 'wineserver', 'script'], 'the script in the cmd of wine', () => {
  let wine: Wine;
  let folder: string;

  beforeAll(async () => {
    wine = await Wine.start();
    for (const name of ['shutdown', 'schtasks']) await wine.stub(name);
    // It would wait.
    await wine.stubProgram('ping.exe');
    folder = join(wine.system, 'cygstrap');
  });
  afterAll(async () => wine[Symbol.asyncDispose]());

  beforeEach(async () => {
    for (const letter of ['A', ...LETTERS]) await wine.setDrive(letter, undefined);
    await clean();
  });

  /** Makes the disk as it is before the first phase, but the steps that change Windows and install Cygwin are done. */
  async function clean(): Promise<void> {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    const done = ['user', 'settings', 'network', 'firewall', 'profile', 'cygwin', 'configure', 'verify'];
    for (const name of done) await writeFile(join(folder, `${name}.done`), '');
    await wine.lines();
    await wine.takeCalls();
  }

  /** Makes the answer medium as a directory; `files` are commands of the user. */
  async function medium(
    files: Readonly<Partial<Record<CommandPhase, readonly string[]>>> = {},
    kind: WindowsKind = 'windows-11',
  ): Promise<string> {
    const directory = join(wine.system, 'medium');
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
    const commands = { specialize: files.specialize !== undefined, logon: files.logon !== undefined };
    for (const [name, bytes] of scriptFiles({ kind, nonce: 'n0nce', commands, setup: SETUP }))
      await writeFile(join(directory, name), bytes);
    for (const [phase, lines] of Object.entries(files))
      await writeFile(join(directory, `${phase}.cmd`), lines.map((line) => `${line}\r\n`).join(''));
    return directory;
  }

  /** Runs a command line as Setup does. */
  async function run(commandLine: string): Promise<void> {
    const [, inner = ''] = /^cmd\.exe \/c "([^"]*)"$/.exec(commandLine) ?? [];
    const { code } = await wine.run('cmd.exe', '/c', inner);
    // Another exit code makes Setup wait for the user.
    expect(code).toBe(0);
  }

  async function readLog(): Promise<string> {
    return readFile(join(wine.system, SCRIPT_LOG), 'latin1');
  }

  /** Returns how the computer was ended since the last call of this function. */
  async function endings(): Promise<string[]> {
    return (await wine.takeCalls()).filter((call) => call.startsWith('shutdown'));
  }

  async function messages(): Promise<string[]> {
    const lines = await wine.lines();
    for (const line of lines) expect([line, parseMarker(line)?.kind]).toEqual([line, line.split(' ')[1]]);
    return lines;
  }

  test('windowspe: sets the registry, prints its stage, and writes nothing to the disk', async () => {
    await wine.setDrive('E', await medium());
    await run(scriptCall('windowspe'));
    expect(await messages()).toEqual(['@cygstrap stage windowspe']);
    const { stdout } = await wine.run('reg', 'query', 'HKLM\\SYSTEM\\Setup\\LabConfig');
    const values = [...stdout.matchAll(/Bypass(\w+)Check\s+REG_DWORD\s+0x1\b/g)].map(([, name]) => name);
    expect(new Set(values)).toEqual(new Set(['TPM', 'SecureBoot', 'RAM', 'CPU', 'Storage']));
    await expect(readLog()).rejects.toThrow('ENOENT');
    expect(await endings()).toEqual([]);
  });

  test('specialize: prints its stage, and runs the commands of the user once', async () => {
    await wine.setDrive('E', await medium({ specialize: ['@echo by the user', '@echo once>>C:\\cygstrap\\count'] }));
    await run(scriptCall('specialize'));
    await run(scriptCall('specialize'));
    expect(await messages()).toEqual(['@cygstrap stage specialize', '@cygstrap stage specialize']);
    expect(await readLog()).toContain('by the user');
    expect(await readFile(join(folder, 'count'), 'latin1')).toBe('once\r\n');
    expect(await endings()).toEqual([]);
  });

  test('logon: does its work once, prints the nonce, and powers off, also at a second logon', async () => {
    const directory = await medium({ logon: ['@echo once>>C:\\cygstrap\\count'] });
    await wine.setDrive('E', directory);
    await run(scriptCall('logon'));
    expect(await messages()).toEqual(INSTALLED);
    expect(await endings()).toEqual([SHUTDOWN]);
    const copy = join(folder, 'cygstrap.cmd');
    expect(await readFile(copy)).toEqual(await readFile(join(directory, 'cygstrap.cmd')));
    await appendFile(copy, 'rem changed\r\n');

    await run(scriptCall('logon'));
    expect(await messages()).toEqual(INSTALLED);
    expect(await endings()).toEqual([SHUTDOWN]);
    expect(await readFile(copy, 'latin1')).toMatch(/rem changed\r\n$/);
    expect(await readFile(join(folder, 'count'), 'latin1')).toBe('once\r\n');
    const log = await readLog();
    expect(log.match(/ installed n0nce/g)).toHaveLength(2);
  });

  test('the floppy of Windows XP: its command runs the script', async () => {
    await wine.setDrive('A', await medium({ logon: ['@echo by the user'] }, 'windows-xp'));
    const sif = winntSif({
      kind: 'windows-xp',
      arch: 'x86',
      firmware: 'bios',
      edition: 1,
      uiLanguage: 'en-US',
      locale: 'en-US',
      timeZone: 85,
      computerName: 'CYGSTRAP',
      password: 'Secret-1',
    });
    const [, command = ''] = /^Command0="(.*)"\r$/m.exec(sif) ?? [];
    await run(`cmd.exe /c "${command}"`);
    expect(await messages()).toEqual(INSTALLED);
    expect(await readLog()).toContain('by the user');
  });

  test('any exit code of a command of the user but 0 is reported, and nothing is installed', async () => {
    const phases = constantFrom('specialize', 'logon');
    const ends = constantFrom('exit', 'exit /b', 'cmd /c exit');
    const codes = integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).filter((code) => code !== 0);
    await assert(
      asyncProperty(phases, ends, codes, async (phase, end, code) => {
        await clean();
        await wine.setDrive('E', await medium({ [phase]: [`@${end} ${code}`] }));
        await run(scriptCall(phase));
        const lines = await messages();
        // `call` of wine 8 returns 1 for every failure but that of `exit N`, which ends the process.
        const shown = end === 'exit' ? code : 1;
        expect(lines.at(-1)).toBe(`@cygstrap failed customize: ${phase} exited with ${shown}`);
        expect(lines.filter((line) => !line.includes(' stage '))).toHaveLength(1);
        expect(await endings()).toEqual([SHUTDOWN]);
      }),
      { seed: SEED, numRuns: 10 },
    );
  });

  test('a failed command runs again at the next logon, finished ones do not', async () => {
    const directory = await medium({ logon: ['@if not exist C:\\cygstrap\\second exit 5'] });
    await wine.setDrive('E', directory);
    await run(scriptCall('logon'));
    expect((await messages()).at(-1)).toBe('@cygstrap failed customize: logon exited with 5');
    await writeFile(join(folder, 'second'), '');
    await run(scriptCall('logon'));
    expect(await messages()).toEqual(INSTALLED);
  });

  test('commands of the user cannot change the script: directory, variables, stdin, any output', async () => {
    const special = array(constantFrom('%', '%%', '!', '^', '&', '"', '|', '(', ')', '>COM1 ', 'a b', '%COMSPEC%'), {
      maxLength: 8,
    });
    await assert(
      asyncProperty(special, async (parts) => {
        await clean();
        const text = parts.join('');
        const names = ['phase', 'medium', 'folder', 'log', 'code', 'step', 'mark', 'self'];
        const variables = names.map((name) => `@set "${name}=${text}"`);
        const directory = await medium({ logon: [...variables, '@set /p answer=', '@cd \\', '@type output.txt'] });
        await writeFile(join(directory, 'output.txt'), `${text}\r\n@cygstrap installed other\r\n`);
        await wine.setDrive('E', directory);
        await run(scriptCall('logon'));
        expect(await messages()).toEqual(INSTALLED);
        expect(await readLog()).toContain(`${text}\r\n@cygstrap installed other`);
      }),
      { seed: SEED, numRuns: 10 },
    );
  });

  test('drivers: each file is installed, whatever its name; a missing program is a failure', async () => {
    const directory = await medium();
    const names = ['a.inf', 'b & c ^d !e!.inf', "(f) 'g', h;.inf"];
    await mkdir(join(directory, 'drivers', 'net card'), { recursive: true });
    for (const name of names) await writeFile(join(directory, 'drivers', 'net card', name), '');
    await writeFile(join(directory, 'drivers', 'other.sys'), '');
    for (const [name, bytes] of scriptFiles({ kind: 'windows-10', nonce: 'n0nce', hasDrivers: true, setup: SETUP }))
      await writeFile(join(directory, name), bytes);
    await wine.setDrive('E', directory);
    await run(scriptCall('specialize'));
    expect((await messages()).at(-1)).toMatch(/^@cygstrap failed drivers: specialize exited with \d+$/);
    expect(await endings()).toEqual([SHUTDOWN]);

    await wine.stubProgram('pnputil.exe');
    await run(scriptCall('specialize'));
    expect(await messages()).toEqual(['@cygstrap stage specialize']);
    const installed = async (): Promise<string[]> => (await wine.calls()).filter((call) => call.startsWith('pnputil'));
    await vi.waitFor(async () => expect(await installed()).toHaveLength(names.length), 20_000);
    const calls = new Set(names.map((name) => `pnputil.exe -i -a E:\\drivers\\net card\\${name}`));
    expect(new Set((await wine.takeCalls()).filter((call) => call.startsWith('pnputil')))).toEqual(calls);
  });

  // No percent sign: cmd of wine 8, unlike that of Windows, expands `%` in the value of a variable again.
  test('the script runs from a directory whose name has characters of cmd', async () => {
    const names = array(constantFrom('!', '^', '&', '(', ')', ' ', ';', "'", 'a'), { minLength: 1, maxLength: 8 }).map(
      (parts) => `x${parts.join('')}x`,
    );
    await assert(
      asyncProperty(names, async (name) => {
        await clean();
        const directory = join(await medium(), name);
        await mkdir(directory);
        for (const [file, bytes] of scriptFiles({
          kind: 'windows-10',
          nonce: 'n0nce',
          commands: { logon: true },
          setup: SETUP,
        }))
          await writeFile(join(directory, file), bytes);
        await writeFile(join(directory, 'logon.cmd'), '@echo by the user\r\n');
        await wine.run(`C:\\medium\\${name}\\cygstrap.cmd`, 'logon');
        expect(await messages()).toEqual(INSTALLED);
        expect(await readLog()).toContain('by the user');
        expect(await readFile(join(folder, 'cygstrap.cmd'))).toEqual(await readFile(join(directory, 'cygstrap.cmd')));
      }),
      { seed: SEED, numRuns: 10 },
    );
  });

  test('the medium is found on every letter, also beside other media', async () => {
    const directory = await medium({}, 'windows-2022');
    const other = join(wine.system, 'other');
    await mkdir(other);
    // Without the marker file it is not our medium.
    await writeFile(join(other, 'cygstrap.cmd'), '@>COM1 echo wrong medium\r\n');
    for (const letter of LETTERS) {
      for (const each of LETTERS) await wine.setDrive(each, each === letter ? directory : other);
      await run(scriptCall('windowspe'));
      expect([letter, await messages()]).toEqual([letter, ['@cygstrap stage windowspe']]);
    }
  });

  test('a disk on which nothing can be written is a failure', async () => {
    await wine.setDrive('E', await medium());
    await rm(folder, { recursive: true });
    await writeFile(folder, 'a file in place of the directory');
    await run(scriptCall('logon'));
    expect((await messages()).at(-1)).toBe('@cygstrap failed copy: logon exited with 1');
    expect(await endings()).toEqual([SHUTDOWN]);
  });

  test('without a port that opens the phases end as usual', async () => {
    await wine.setDrive('E', await medium({ specialize: ['@echo 1'], logon: ['@exit 3'] }));
    await wine.setPort('absent');
    try {
      for (const phase of ['windowspe', 'specialize', 'logon'] as const) await run(scriptCall(phase));
      expect(await endings()).toEqual([SHUTDOWN]);
      expect(await readLog()).toContain('failed customize: logon exited with 3');
    } finally {
      await wine.setPort('works');
    }
    expect(await messages()).toEqual([]);
  });
});
