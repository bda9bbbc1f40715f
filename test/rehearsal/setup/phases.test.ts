import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT } from '../../support/transcript.ts';
import { install } from './computer.ts';

const GOLDENS = readdirSync(join(PROJECT, 'fixtures/windows')).filter((name) => /\.(xml|sif)$/.test(name));
const STAGES = ['specialize', 'complete', 'logon', 'script'].map((name) => `@cygstrap stage ${name}`);
const DONE = [
  ...['cygwin', 'configure', 'verify'].map((name) => `@cygstrap stage ${name}`),
  '@cygstrap installed 0123',
];

describe('an installation', () => {
  test('restarts twice and powers off after its verdict', () => {
    const { ends, com1, disks, files } = install();
    expect(ends).toEqual(['restart', 'restart', 'power-off']);
    expect(com1).toEqual([...STAGES, ...DONE]);
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
    expect(com1).toEqual(['@cygstrap stage logon', '@cygstrap stage script', ...DONE]);
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
  expect(succeeds.com1).toEqual([...STAGES, ...DONE]);
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
  expect(com1).toEqual([...STAGES, ...DONE]);
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
    expect(com1).toEqual([...STAGES, ...DONE]);
  });
});
