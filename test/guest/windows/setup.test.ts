import { describe, expect, test } from 'vitest';
import type { WindowsKind } from '../../../src/core/windows/kinds.ts';
import { HARDWARE } from '../../../src/guest/windows/machine.ts';
import type { WindowsMedium } from '../../../src/media/inspect/windows.ts';
import { checkHardware, checkNames, firmwaresOf, parseProductKey } from '../../../src/guest/windows/setup.ts';

const NAMES = { locale: 'en-US', timeZone: 'UTC', computerName: 'CYGWIN-BUILD' };

describe('names of an installation', () => {
  test.each([
    NAMES,
    { ...NAMES, computerName: 'a23456789012345' },
    { ...NAMES, locale: 'zh-Hans-CN', timeZone: 'W. Europe Standard Time' },
    { ...NAMES, timeZone: 'UTC-11' },
  ])('%j are accepted', (names) => {
    expect(() => checkNames('windows-10', names)).not.toThrow();
  });

  test.each([
    [{ computerName: 'a234567890123456' }, 'invalid computer name: `a234567890123456`'],
    [{ computerName: '12345' }, 'invalid computer name: `12345`'],
    [{ computerName: 'a_b' }, 'invalid computer name: `a_b`'],
    [{ computerName: '' }, 'invalid computer name: ``'],
    [{ computerName: 'Cygstrap' }, 'invalid computer name: `Cygstrap`'],
    [{ locale: 'English' }, 'invalid locale: `English`'],
    [{ locale: 'en-US"&calc' }, 'invalid locale: `en-US"&calc`'],
    [{ timeZone: 'UTC<x>' }, 'invalid time zone: `UTC<x>`'],
  ])('%j are refused', (wrong, message) => {
    expect(() => checkNames('windows-10', { ...NAMES, ...wrong })).toThrow(message);
  });

  test('Windows XP and 2003 know numbers only', () => {
    expect(() => checkNames('windows-xp', NAMES)).not.toThrow();
    expect(() => checkNames('windows-xp', { ...NAMES, locale: 'cy-GB' })).toThrow('unknown locale');
    expect(() => checkNames('windows-2003', { ...NAMES, timeZone: 'Tonga Standard Time' })).toThrow(
      'invalid time zone for `windows-2003`',
    );
  });
});

test('a product key has five groups, and no message contains a wrong one', () => {
  expect(parseProductKey(' abcde-12345-fghij-67890-klmno\r\n')).toBe('ABCDE-12345-FGHIJ-67890-KLMNO');
  expect(() => parseProductKey('ABCDE-SECRET')).toThrow(/^the product key has a wrong form$/);
});

test.each([
  ['windows-2022', 'amd64', { bios: true, uefi: true }, ['uefi', 'bios']],
  ['windows-2022', 'amd64', { bios: false, uefi: true }, ['uefi']],
  ['windows-10', 'x86', { bios: true, uefi: true }, ['bios']],
  ['windows-8.1', 'amd64', { bios: true, uefi: false }, ['bios']],
  ['windows-7', 'amd64', { bios: true, uefi: true }, ['bios']],
  ['windows-7', 'amd64', { bios: false, uefi: false }, []],
] as const)('%s for %s on a medium with %j starts from %j', (kind, arch, boot, firmwares) => {
  expect(firmwaresOf({ kind, arch, medium: { boot } as WindowsMedium })).toEqual(firmwares);
});

test.each([
  ['windows-11', { cpus: 1, diskMiB: 65_536 }, 'too few processors for `windows-11`: 1', 'use `--cpus 2` or more'],
  ['windows-10', { cpus: 1, diskMiB: 8192 }, 'too small a disk for `windows-10`: 8192 MiB', 'use `--disk 20G` or more'],
] as const)('%s with %j is refused', (kind, hardware, message, hint) => {
  expect(() => checkHardware(kind, hardware)).toThrow(
    expect.objectContaining({ code: 'usage', message, hint }) as Error,
  );
});

test('the hardware of every kind by default is enough', () => {
  for (const [kind, hardware] of Object.entries(HARDWARE))
    expect(() => checkHardware(kind as WindowsKind, hardware)).not.toThrow();
});
