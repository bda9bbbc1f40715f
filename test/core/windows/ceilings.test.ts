import { describe, expect, test } from 'vitest';
import { checkWindows, lastCygwin } from '../../../src/core/windows/ceilings.ts';
import { WINDOWS_KIND_NAMES, isWindowsKind, windowsTarget } from '../../../src/core/windows/kinds.ts';
import type { WindowsKind } from '../../../src/core/windows/kinds.ts';

const locked = (version: string, arch = 'x86_64') => ({ arch, packages: [{ name: 'cygwin', version }] });

/** Each kind, the versions around the one that dropped it, and the dated site of the last that runs. */
const CIRCA = 'http://ctm.crouchingtigerhiddenfruitbat.org/pub/cygwin/circa';
const OLDEST = '1.5.25-15';
const CURRENT = '3.7.0-0.267.g7d5c55faa196';
const BORDERS: readonly (readonly [WindowsKind, 'x86' | 'x86_64', string, string | undefined, string | undefined])[] = [
  ['windows-xp', 'x86', '2.5.2-1', '2.6.0-1', `${CIRCA}/2016/08/30/104223`],
  ['windows-2003', 'x86', '2.5.2-1', '2.6.0-1', `${CIRCA}/2016/08/30/104223`],
  ['windows-2003', 'x86_64', '2.5.2-1', '2.6.0-0.1', `${CIRCA}/64bit/2016/08/30/104235`],
  ['windows-7', 'x86', '3.3.6-1', '3.5.0-1', `${CIRCA}/2022/11/23/063457`],
  ['windows-7', 'x86_64', '3.4.10-1', '3.5.0-1', `${CIRCA}/64bit/2024/01/30/231215`],
  ['windows-2008r2', 'x86_64', '3.4.10-1', '3.5.0-0.12.g0123456789ab', `${CIRCA}/64bit/2024/01/30/231215`],
  ['windows-8.1', 'x86_64', CURRENT, undefined, undefined],
  ['windows-2012r2', 'x86_64', CURRENT, undefined, undefined],
  ['windows-10', 'x86_64', CURRENT, undefined, undefined],
  ['windows-11', 'x86_64', CURRENT, undefined, undefined],
  ['windows-2016', 'x86_64', CURRENT, undefined, undefined],
  ['windows-2019', 'x86_64', CURRENT, undefined, undefined],
  ['windows-2022', 'x86_64', CURRENT, undefined, undefined],
  ['windows-2025', 'x86_64', CURRENT, undefined, undefined],
];

describe('the package cygwin and the kind of Windows', () => {
  test('each kind is in the table', () => {
    expect([...new Set(BORDERS.map(([kind]) => kind))]).toEqual(WINDOWS_KIND_NAMES);
  });

  test.each(BORDERS)('%s, %s: %s runs, %s does not', (kind, arch, last, first, site) => {
    const target = windowsTarget(kind);
    for (const version of [OLDEST, last]) expect(checkWindows(target, locked(version, arch))).toBeUndefined();
    expect(lastCygwin(target, arch)?.site).toBe(site);
    if (first === undefined) return;
    expect(checkWindows(target, locked(first, arch))).toMatchObject({
      reason: 'version',
      kind,
      package: 'cygwin',
      version: first,
      last: { site, arch },
    });
  });

  test.each([
    ['5.0.2195', 'x86', '1.7.18-1', '1.7.19-1', '5.1', `${CIRCA}/2013/06/04/121035`],
    ['6.0.6002', 'x86', '3.3.6-1', '3.4.0-1', '6.1', `${CIRCA}/2022/11/23/063457`],
    ['6.0.6002', 'x86_64', '3.3.6-1', '3.4.0-1', '6.1', `${CIRCA}/64bit/2022/11/23/063529`],
    ['6.2.9200', 'x86_64', '3.4.10-1', '3.5.0-1', '6.3', `${CIRCA}/64bit/2024/01/30/231215`],
    ['6.1', 'x86_64', '3.4.10-1', '3.5.0-1', '6.3', `${CIRCA}/64bit/2024/01/30/231215`],
  ])('the version %s of Windows, %s: %s runs, %s needs %s', (windows, arch, last, first, needs, site) => {
    const target = windowsTarget(windows);
    expect(checkWindows(target, locked(last, arch))).toBeUndefined();
    expect(checkWindows(target, locked(first, arch))).toMatchObject({ kind: null, windows, needs, last: { site } });
  });

  test('a lock without the package cygwin runs on each Windows', () => {
    const lock = { arch: 'x86', packages: [{ name: 'data', version: '9-1' }] };
    expect(WINDOWS_KIND_NAMES.map((kind) => checkWindows(windowsTarget(kind), lock))).toEqual(
      WINDOWS_KIND_NAMES.map(() => undefined),
    );
  });
});

describe('the architecture', () => {
  test('64-bit packages run on each kind with a 64-bit edition', () => {
    const refused = WINDOWS_KIND_NAMES.filter(
      (kind) => checkWindows(windowsTarget(kind), locked(OLDEST)) !== undefined,
    );
    expect(refused).toEqual(['windows-xp']);
  });

  test('32-bit packages run on 64-bit kinds too', () => {
    for (const kind of WINDOWS_KIND_NAMES) {
      const refused = checkWindows(windowsTarget(kind, 'amd64'), locked('2.5.2-1', 'x86'));
      expect(refused).toBeUndefined();
    }
  });

  test('64-bit packages on a 32-bit medium: the last 32-bit Cygwin is named', () => {
    expect(checkWindows(windowsTarget('windows-10', 'x86'), locked(CURRENT))).toMatchObject({
      reason: 'architecture',
      arch: 'x86_64',
      package: null,
      last: { version: '3.3.6', arch: 'x86', site: `${CIRCA}/2022/11/23/063457` },
      message: 'packages for x86_64 do not run on 32-bit Windows 10',
      hint:
        `the last Cygwin for 32-bit Windows 10 is 3.3.6: use \`--arch x86 --site ${CIRCA}/2022/11/23/063457\`; ` +
        'or use another Windows',
    });
  });
});

describe('requirements of `_windows`', () => {
  const lock = (version: string) => ({
    arch: 'x86_64',
    packages: [{ name: 'dbus', version: '1-1', depends: [{ name: '_windows', op: '>=', version } as const] }],
  });

  test('an older Windows is refused, with the site for it', () => {
    expect(checkWindows(windowsTarget('windows-7'), lock('6.3'))).toMatchObject({
      reason: 'requirement',
      package: 'dbus',
      needs: '>= 6.3',
      message: '`dbus 1-1` cannot be installed on Windows 7: it requires `_windows (>= 6.3)`',
      last: { version: '3.4.10' },
    });
    expect(checkWindows(windowsTarget('windows-8.1'), lock('6.3'))).toBeUndefined();
  });

  test('no site is named for a Windows on which the current Cygwin runs', () => {
    expect(checkWindows(windowsTarget('windows-8.1'), lock('10.0'))).toMatchObject({
      last: null,
      hint: 'use another Windows',
    });
  });
});

test('names of kinds are not names of other properties', () => {
  expect(['windows-7', 'windows-95', 'toString'].map(isWindowsKind)).toEqual([true, false, false]);
});
