import { describe, expect, test } from 'vitest';
import { install } from './computer.ts';
import { cygwinProgram } from './cygwin.ts';
import { TASKS } from './programs.ts';
import type { OwnProgram, OwnResult } from './world.ts';

// The script of the answer medium, from the first start of Windows to the last.

const INTERFACE =
  'HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces\\{0A1B2C3D-0001-4000-8000-525400120101}';
const RUN = 'HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run';
const BEFORE = ['specialize', 'complete', 'logon', 'script'].map((name) => `@cygstrap stage ${name}`);
const CYGWIN = ['@cygstrap stage cygwin'];
const AFTER = ['@cygstrap stage configure', '@cygstrap stage verify', '@cygstrap installed 0123'];
const LOG = 'C:\\cygwin64\\var\\log\\setup.log';

/** Programs of which setup or a script of bash ends otherwise; `bash` is by the name of the script. */
function programs(other: {
  readonly setup?: OwnResult;
  readonly bash?: Readonly<Record<string, OwnResult>>;
}): OwnProgram {
  return (path, args, read) => {
    const usual = cygwinProgram(path, args, read);
    if (path.includes('setup')) return { exitCode: 0, ...usual, ...other.setup };
    const script = /(\w+)\.sh/.exec(args.join(' '))?.[1] ?? '';
    return other.bash?.[script] ?? usual;
  };
}

describe('the network card gets its address', () => {
  test.each(['en-US', 'de-DE'])('with the language %s', (language) => {
    for (const golden of ['windows-xp.sif', 'windows-7-bios.xml', 'windows-2025-uefi.xml']) {
      const { com1, registry } = install({ golden, language, change: (text) => text.replaceAll('en-US', language) });
      expect(com1.at(-1)).toBe('@cygstrap installed 0123');
      expect([registry(INTERFACE, 'IPAddress'), registry(INTERFACE, 'EnableDHCP')]).toEqual(['192.168.0.1\\0', '0x0']);
    }
  });

  test('by the registry if netsh fails', () => {
    const { com1, registry } = install({ variant: 'netsh-fails' });
    expect(com1.at(-1)).toBe('@cygstrap installed 0123');
    expect([registry(INTERFACE, 'IPAddress'), registry(INTERFACE, 'SubnetMask')]).toEqual([
      '192.168.0.1',
      '255.255.255.0',
    ]);
    expect(registry(INTERFACE, 'EnableDHCP')).toBe('0x0');
  });

  test('or the installation fails: the card has no driver, and the address is not accepted', () => {
    const noCard = install({ changeScript: (text) => text.replaceAll('"PCI\\"', '"PCX\\"') });
    expect(noCard.com1.at(-1)).toBe('@cygstrap failed network: Windows has no driver for the network card');
    const refused = install({
      changeScript: (text) => text.replaceAll('/v IPAddress /t', '/v Other /t'),
      variant: 'netsh-fails',
    });
    expect(refused.com1.at(-1)).toBe(
      '@cygstrap failed network: the network card does not have the address 192.168.0.1',
    );
  });
});

test.each(['en-US', 'de-DE'])('Windows XP with the language %s gets the user as an administrator', (language) => {
  const { kept } = install({ golden: 'windows-xp.sif', language });
  expect(kept()).toMatchObject({ users: ['cygstrap'], administrators: ['cygstrap'] });
});

test('a required setting that cannot be made fails the installation, another does not', () => {
  // A value that is never read again so.
  const broken = (name: string) => (text: string) => text.replace(new RegExp(`(call :number .* ${name}) 1`), '$1 01');
  expect(install({ changeScript: broken('NoAutoUpdate') }).com1.at(-1)).toBe(
    '@cygstrap failed settings: NoAutoUpdate cannot be set in the registry',
  );
  const { com1, registry } = install({ changeScript: broken('AutoReboot') });
  expect(com1.at(-1)).toBe('@cygstrap installed 0123');
  const policy = 'HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System';
  expect(registry(policy, 'shutdownwithoutlogon')).toBe('0x1');
});

test('passwords that expire fail the installation', () => {
  const changeScript = (text: string): string =>
    text.replace('net accounts /maxpwage:unlimited', 'net localgroup none');
  expect(install({ changeScript }).com1.at(-1)).toBe('@cygstrap failed settings: net accounts exited with 2');
});

test.each(['windows-8.1-bios.xml', 'windows-2025-uefi.xml'])(
  'with %s, if nobody logs on, the task of the system does all',
  (golden) => {
    const { com1, ends, screen, registry } = install({ golden, variant: 'no-logon', program: cygwinProgram });
    expect(com1).toEqual([...BEFORE, ...CYGWIN, ...AFTER]);
    expect(ends).toEqual(['restart', 'restart', 'power-off']);
    // It has waited 15 minutes, and has not set up the profile of a user.
    expect(screen.filter((line) => line === '  ping -n 61 127.0.0.1')).toHaveLength(15);
    expect(registry('HKCU\\Control Panel\\Desktop', 'AutoEndTasks')).toBeUndefined();
    expect(registry(`${TASKS}\\cygstrap`, 'command')).toBeUndefined();
  },
);

test('no password is left, and nothing runs at the next logon', () => {
  const { files, registry } = install({ golden: 'windows-10-uefi.xml' });
  const winlogon = 'HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon';
  expect([
    registry(winlogon, 'AutoAdminLogon'),
    registry(winlogon, 'DefaultPassword'),
    registry(RUN, 'cygstrap'),
  ]).toEqual(['0', undefined, undefined]);
  expect([...files.values()].filter((text) => text.includes('Cy1-secret'))).toEqual([]);
});

describe('Cygwin', () => {
  test.each(['windows-xp.sif', 'windows-7-bios.xml', 'windows-11-uefi.xml'])('is installed with %s', (golden) => {
    const { com1, ends } = install({ golden, program: cygwinProgram });
    expect(com1.slice(-4)).toEqual([...CYGWIN, ...AFTER]);
    expect(ends.at(-1)).toBe('power-off');
  });

  test('is installed with its directory, the drive of the repo, and the packages', () => {
    const calls: string[] = [];
    const program: OwnProgram = (path, args, read) => {
      calls.push([path, ...args].join(' '));
      return cygwinProgram(path, args, read);
    };
    install({ program });
    const bash = 'C:\\cygwin64\\bin\\bash.exe';
    expect(calls).toEqual([
      'E:\\setup-x86_64.exe --root "C:\\cygwin64" --no-admin --no-desktop --no-shortcuts --no-startmenu ' +
        '--no-version-check --local-package-dir E:\\ --packages openssh',
      ...['configure', 'verify'].map(
        (name) => `${bash} -l /cygdrive/f/cygwin/${name}.sh /cygdrive/f/cygwin /cygdrive/c/cygstrap/console.txt`,
      ),
    ]);
    calls.length = 0;
    install({ golden: 'windows-xp.sif', program });
    expect(calls.at(-1)).toBe(
      'C:\\cygwin\\bin\\bash.exe -l /cygdrive/a/verify.sh /cygdrive/a /cygdrive/c/cygstrap/console.txt',
    );
  });

  test('is complete after a restart if setup wants one: the script goes on at the next logon', () => {
    const { com1, ends, registry } = install({ program: programs({ setup: { exitCode: 118 } }) });
    expect(ends).toEqual(['restart', 'restart', 'restart', 'power-off']);
    expect(com1).toEqual([...BEFORE, ...CYGWIN, ...BEFORE.slice(2), ...AFTER]);
    expect(registry(RUN, 'cygstrap')).toBeUndefined();
  });

  test.each<[string, OwnResult, string]>([
    ['setup fails', { exitCode: 1 }, 'cygwin: setup exited with 1'],
    ['setup crashes', { exitCode: -1073741819 }, 'cygwin: setup exited with -1073741819'],
    ['setup is a process that ends at once', { exitCode: 0, files: {} }, 'cygwin: the log of setup has no end'],
    [
      'the log goes on after its end',
      {
        exitCode: 0,
        files: { [LOG]: '2026/01/01 00:00:00 Ending cygwin install\r\n2026/01/01 00:00:01 io "& ^ %\r\n' },
      },
      'cygwin: the log of setup has no end',
    ],
  ])('fails if %s', (_, setup, message) => {
    const { com1, ends } = install({ program: programs({ setup }) });
    expect(com1).toEqual([...BEFORE, ...CYGWIN, `@cygstrap failed ${message}`]);
    expect(ends.at(-1)).toBe('power-off');
  });

  test('fails if setup has not ended after 12 hours, and ends it', () => {
    const changeScript = (text: string): string => text.replace('ren "%folder%\\setup.tmp" setup.code', 'rem');
    const { com1, screen } = install({ program: cygwinProgram, changeScript });
    expect(com1.at(-1)).toBe('@cygstrap failed cygwin: setup has not ended');
    expect(screen.filter((line) => line === '  ping -n 6 127.0.0.1')).toHaveLength((12 * 3600) / 5);
    expect(screen).toContain('  taskkill /f /im setup-x86_64.exe');
  });

  test('fails if no drive has its setup program', () => {
    const { com1 } = install({ program: cygwinProgram, hasRepo: false });
    expect(com1.at(-1)).toBe('@cygstrap failed cygwin: no drive has setup-x86_64.exe');
  });

  test('prints on COM1 what the scripts of bash write, also if they fail', () => {
    const path = 'C:\\cygstrap\\console.txt';
    const lines = (word: string): Record<string, string> => ({
      [path]: `@cygstrap ${word} a b\n@cygstrap ${word} c\n`,
    });
    const bash = { configure: { exitCode: 0, files: lines('x') }, verify: { exitCode: 3, files: lines('y') } };
    const { com1 } = install({ program: programs({ bash }) });
    expect(com1.slice(BEFORE.length + 1)).toEqual([
      '@cygstrap stage configure',
      '@cygstrap x a b',
      '@cygstrap x c',
      '@cygstrap stage verify',
      '@cygstrap y a b',
      '@cygstrap y c',
      '@cygstrap failed verify: logon exited with 3',
    ]);
  });
});
