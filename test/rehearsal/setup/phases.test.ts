import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SCRIPT_FILE } from '../../../src/guest/windows/options.ts';
import { scriptFiles } from '../../../src/guest/windows/script.ts';
import type { ScriptOptions } from '../../../src/guest/windows/script.ts';
import { PROJECT } from '../../support/transcript.ts';
import type { DiskPlan, Drive } from '../answers.ts';
import { cygwinProgram } from './cygwin.ts';
import { start } from './phases.ts';
import type { Medium, StartEnd, Variant, World } from './world.ts';

interface Options {
  readonly golden?: string;
  readonly variant?: Variant;
  readonly change?: (answers: string) => string;
  readonly changeScript?: (script: string) => string;
  /** Files of the user by path, such as `logon.cmd`. */
  readonly commands?: Readonly<Record<string, string>>;
}

/** A computer that is started until it no longer restarts. */
interface Run {
  readonly com1: string[];
  readonly screen: string[];
  readonly ends: StartEnd[];
  readonly disks: DiskPlan[];
  readonly files: Map<string, string>;
}

/** Installs with a golden; at most 8 starts. */
function install({
  golden = 'windows-2022-uefi.xml',
  variant = 'plain',
  change = (text) => text,
  changeScript = (text) => text,
  commands = {},
}: Options = {}): Run {
  const run: Run = { com1: [], screen: [], ends: [], disks: [], files: new Map() };
  const [, kind = '', firmware = 'bios'] = /^(windows-[\d.a-z]*?[\d.a-z]+)(?:-(bios|uefi))?\.\w+$/.exec(golden) ?? [];
  const answers = change(readFileSync(join(PROJECT, 'fixtures/windows', golden), 'latin1'));
  const isLegacy = golden.endsWith('.sif');
  const scripts = scriptFiles({
    kind: kind as ScriptOptions['kind'],
    nonce: '0123',
    commands: { logon: 'logon.cmd' in commands, specialize: 'specialize.cmd' in commands },
    hasDrivers: Object.keys(commands).some((name) => name.startsWith('drivers/')),
  });
  const texts: Readonly<Record<string, string>> = {
    ...Object.fromEntries([...scripts].map(([name, bytes]) => [name, Buffer.from(bytes).toString('latin1')])),
    [SCRIPT_FILE]: changeScript(Buffer.from(scripts.get(SCRIPT_FILE) ?? expect.fail()).toString('latin1')),
    ...commands,
    password: 'Cy1-secret\n',
    [isLegacy ? 'WINNT.SIF' : 'Autounattend.xml']: answers,
  };
  const drives: Drive[] = [
    { letter: 'D', type: 'cdrom', isSetup: true, files: ['setup.exe'] },
    isLegacy
      ? { letter: 'A', type: 'floppy', isSetup: false, files: Object.keys(texts) }
      : { letter: 'F', type: 'cdrom', isSetup: false, files: Object.keys(texts) },
  ];
  const images = [1, 2].map((index) => ({ index, name: `Windows ${index}`, editionId: '' }));
  const medium = {
    kind,
    arch: 'amd64',
    setupLanguage: 'en-US',
    images,
    productKey: isLegacy ? 'optional' : 'none',
  } as Medium;
  let state: string | undefined;
  for (let from: World['from'] = 'cd'; run.ends.length < 8; from = 'disk') {
    const end = start({
      from,
      variant,
      medium,
      drives,
      read: (_, file) => Buffer.from(texts[file] ?? expect.fail(), 'latin1'),
      computer: { firmware: firmware as 'bios' | 'uefi', diskMB: 65536, hasTpm: false, memoryMB: 4000 },
      program: cygwinProgram,
      screen: (line) => run.screen.push(line),
      com1: (line) => run.com1.push(line),
      prepareDisk: (plan) => run.disks.push(plan),
      writeFiles: (partition, files) => {
        for (const [name, content] of files) run.files.set(`${partition}:${name}`, Buffer.from(content).toString());
      },
      readState: () => state,
      writeState: (text) => (state = text),
    });
    run.ends.push(end);
    if (end !== 'restart') break;
  }
  return run;
}

const GOLDENS = readdirSync(join(PROJECT, 'fixtures/windows')).filter((name) => /\.(xml|sif)$/.test(name));
const STAGES = ['specialize', 'complete', 'logon', 'script'].map((name) => `@cygstrap stage ${name}`);

describe('an installation', () => {
  test('restarts twice and powers off after its verdict', () => {
    const { ends, com1, disks, files } = install();
    expect(ends).toEqual(['restart', 'restart', 'power-off']);
    expect(com1).toEqual([...STAGES, '@cygstrap installed 0123']);
    expect(files.get('3:cygstrap/cygstrap.log')).toContain('installed 0123\r\n');
    expect(disks.map(({ table, windowsPartition }) => [table, windowsPartition])).toEqual([['gpt', 3]]);
    expect(disks[0]?.partitions.map(({ sizeMB }) => sizeMB)).toEqual([260, 16, 65258]);
    expect(files.get('3:Windows/Panther/setupact.log')).toContain('The computer is CYGWIN-BUILD');
  });

  test('of Windows 11 turns off its check by the script in WinPE', () => {
    const { ends, com1 } = install({ golden: 'windows-11-uefi.xml' });
    expect([com1[0], ends.at(-1)]).toEqual(['@cygstrap stage windowspe', 'power-off']);
    const without = install({
      golden: 'windows-11-uefi.xml',
      changeScript: (text) => text.replace('BypassTPM', 'BypassTPN'),
    });
    expect(without.screen.join('\n')).toContain("This PC can't run Windows 11");
    expect(without).toMatchObject({ ends: ['wait'], disks: [] });
  });

  test.each(GOLDENS)('with %s ends with the verdict', (golden) => {
    const { ends, com1, disks } = install({ golden });
    expect([ends.at(-1), com1.at(-1)]).toEqual(['power-off', '@cygstrap installed 0123']);
    expect(disks.map(({ table }) => table)).toEqual([golden.includes('-uefi') ? 'gpt' : 'mbr']);
  });

  test.each(['windows-xp.sif', 'windows-2003.sif'])('with %s', (golden) => {
    const { ends, com1, disks } = install({ golden });
    expect(ends).toEqual(['restart', 'restart', 'power-off']);
    expect(com1).toEqual(['@cygstrap stage logon', '@cygstrap stage script', '@cygstrap installed 0123']);
    expect(disks[0]).toMatchObject({ table: 'mbr', windowsPartition: 1 });
  });

  test('that the answers stop shows an error, and writes nothing to COM1', () => {
    const { ends, com1, screen } = install({ change: (xml) => xml.replace('<UserData>', '<Nothing/><UserData>') });
    expect([ends, com1]).toEqual([['wait'], []]);
    expect(screen.slice(-3)).toEqual([
      'Windows Setup - Error',
      expect.stringContaining('could not parse or process unattend answer file for pass [windowsPE]'),
      '  [ OK ]',
    ]);
  });

  test('that stops in specialize leaves the cause in its log', () => {
    const { ends, screen, files } = install({ change: (xml) => xml.replace('CYGWIN-BUILD', 'CYGSTRAP') });
    expect(ends).toEqual(['restart', 'wait']);
    expect(screen.join('\n')).toContain('restarted unexpectedly');
    expect(files.get('3:Windows/Panther/setuperr.log')).toContain('is the name of a user');
  });

  test('without an answer file asks', () => {
    expect(install({ change: (xml) => ` ${xml}` }).screen.join('\n')).toContain('Language to install');
  });

  test('without the script stays at the desktop, and with an unknown construct says so', () => {
    expect(install({ change: (xml) => xml.replaceAll('cygstrap.id', 'other.id') })).toMatchObject({
      com1: [],
      ends: ['restart', 'restart', 'wait'],
    });
    expect(install({ changeScript: () => 'powershell -c x' }).com1[0]).toBe(
      '@cygstrap failed the rehearsal does not know: powershell -c x',
    );
  });
});

test("the user's commands run beside the script; the verdict is theirs too", () => {
  const succeeds = install({
    commands: { 'logon.cmd': 'reg add HKCU\\X\r\nexit 0\r\n', 'specialize.cmd': 'exit /b 0' },
  });
  expect(succeeds.com1).toEqual([...STAGES, '@cygstrap installed 0123']);
  const fails = install({ commands: { 'logon.cmd': '@exit 5\r\n' } });
  expect(fails.com1).toEqual([...STAGES, '@cygstrap failed customize: logon exited with 5']);
  expect(fails.ends.at(-1)).toBe('power-off');
});

test('a command of the user that fails in specialize ends the installation there', () => {
  const { com1, ends } = install({ commands: { 'specialize.cmd': 'exit 3' } });
  expect(com1).toEqual([...STAGES.slice(0, 1), '@cygstrap failed customize: specialize exited with 3']);
  expect(ends).toEqual(['restart', 'power-off']);
});

test('drivers of the user are installed from the answer medium', () => {
  const commands = { 'drivers/net/A.INF': '', 'drivers/net/a.sys': '' };
  const { com1, screen } = install({ commands });
  expect(com1).toEqual([...STAGES, '@cygstrap installed 0123']);
  expect(screen.filter((line) => line.includes('pnputil'))).toEqual([
    String.raw`  pnputil -i -a "F:\drivers\net\A.INF"`,
  ]);
});

describe('the variant', () => {
  const verdict = '@cygstrap installed 0123';

  test.each([
    ['restarts-4', 'restart restart restart restart power-off', verdict],
    ['reset-loop', Array.from({ length: 8 }, () => 'restart').join(' '), undefined],
    ['hang-windowspe', 'wait', undefined],
    ['question', 'wait', undefined],
    ['hang-specialize', 'restart wait', undefined],
    ['hang-logon', 'restart restart wait', '@cygstrap stage complete'],
    ['no-com1-in-winpe', 'restart restart power-off', verdict],
    ['power-off-without-verdict', 'restart restart power-off', '@cygstrap stage complete'],
    ['failed-script', 'restart power-off', '@cygstrap failed copy: specialize exited with 1'],
    ['wrong-nonce', 'restart restart power-off', '@cygstrap installed 00000000000000000000000000000000'],
  ] as const)('%s', (variant, ends, last) => {
    const run = install({ variant });
    expect([run.ends.join(' '), run.com1.at(-1)]).toEqual([ends, last]);
  });

  test('no-com1-in-winpe is silent only in WinPE', () => {
    const { com1 } = install({ variant: 'no-com1-in-winpe', golden: 'windows-11-uefi.xml' });
    expect(com1).toEqual([...STAGES, verdict]);
  });
});
