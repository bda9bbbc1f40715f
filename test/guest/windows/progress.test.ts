import { expect, test } from 'vitest';
import { parseMarker } from '../../../src/guest/console-markers.ts';
import type { InstallEvent, InstallProgress } from '../../../src/guest/install-progress.ts';
import { LEGACY_PROGRESS, WINDOWS_PROGRESS } from '../../../src/guest/windows/progress.ts';
import { InstallState } from '../../../src/stages/watch/state.ts';

const BOOT_LOADER_ENDED =
  'the boot loader of the ISO ended in 4 starts: no key arrived at its prompt in time, or it could not load Setup';
const DISK = '"UEFI QEMU HARDDISK QM00011 " from PciRoot(0x0)/Pci(0x1F,0x2)/Sata(0x5,0xFFFF,0x0)';
const DVD = '"UEFI QEMU DVD-ROM QM00003 " from PciRoot(0x0)/Pci(0x1F,0x2)/Sata(0x1,0xFFFF,0x0)';
const LOADER_ENDS = `BdsDxe: failed to start Boot0001 ${DVD}: Time out`;
const SHELL = '"EFI Internal Shell" from Fv(7CB8BDC9-F8EB-4F34-AAEA-3EE4AF6516A1)';
const MANAGER = '"Windows Boot Manager" from HD(1,GPT,6B29FC40-CA47-1067-B31D-00DD010662DA,0x800,0x82000)';

/** Events in words: `RESTART`, `WRITE BYTES`, `KEYS PRESSED`; anything else is a line of the console. Returns for each
 *  what happened: the phase that started, `keys`, `stop`, and a failure. */
function story(progress: InstallProgress, events: readonly string[]): string[] {
  const state = new InstallState(progress, 0);
  return events.map((text, i) => {
    const nowMs = i * 60_000;
    const event = eventOf(text);
    if (event.kind === 'restart') state.addRestart(nowMs);
    if (event.kind === 'write') state.writtenBytes = Number(text.split(' ')[1]);
    const { started, keys, reset, failure } = state.add(event, nowMs);
    const pressed = keys === 'stop' ? 'stop' : keys && 'keys';
    const start = reset && `RESET ${/start \d of \d$/.exec(reset)?.[0]}`;
    const what = [started?.name, pressed, start, failure && `FAILED: ${failure.reason}`];
    return what.filter(Boolean).join(', ');
  });
}

function eventOf(text: string): InstallEvent {
  if (text === 'RESTART') return { kind: 'restart' };
  if (text === 'KEYS PRESSED') return { kind: 'keys-pressed' };
  if (text.startsWith('WRITE ')) return { kind: 'write' };
  return { kind: 'line', text, marker: parseMarker(text) };
}

test.each<[string, InstallProgress, [event: string, reaction: string][]]>([
  [
    'UEFI, with all markers',
    WINDOWS_PROGRESS,
    [
      [`BdsDxe: failed to load Boot0002 ${DISK}: Not Found`, 'stop'],
      [`BdsDxe: loading Boot0001 ${DVD}`, 'stop'],
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
      ['Press any key to boot from CD or DVD..', ''],
      ['KEYS PRESSED', 'windowspe'],
      ['@cygstrap stage windowspe', 'windowspe, stop'],
      ['WRITE 4000000', ''],
      ['RESTART', 'specialize, stop'],
      [`BdsDxe: loading Boot0004 ${MANAGER}`, 'stop'],
      [`BdsDxe: starting Boot0004 ${MANAGER}`, 'stop'],
      ['@cygstrap stage specialize', 'specialize, stop'],
      ['RESTART', 'stop'],
      [`BdsDxe: starting Boot0004 ${MANAGER}`, 'stop'],
      ['@cygstrap stage logon', 'logon, stop'],
      ['@cygstrap stage script', 'script, stop'],
      ['@cygstrap stage windowspe', 'stop'],
    ],
  ],
  [
    'Cygwin is installed, and Windows restarts to replace files in use',
    WINDOWS_PROGRESS,
    [
      ['WRITE 4000000', 'windowspe, stop'],
      ['RESTART', 'specialize, stop'],
      ['@cygstrap stage complete', 'complete, stop'],
      ['@cygstrap stage logon', 'logon, stop'],
      ['@cygstrap stage script', 'script, stop'],
      ['@cygstrap stage cygwin', 'cygwin, stop'],
      ['@cygstrap stage cygwin 3/40', 'cygwin, stop'],
      ['RESTART', 'stop'],
      ['@cygstrap stage logon', 'stop'],
      ['@cygstrap stage script', 'stop'],
      ['@cygstrap stage configure', 'configure, stop'],
      ['@cygstrap stage verify', 'verify, stop'],
    ],
  ],
  [
    'UEFI, without a marker before the logon and without the end of the keys',
    WINDOWS_PROGRESS,
    [
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
      ['WRITE 512', ''],
      ['WRITE 4000000', 'windowspe, stop'],
      ['RESTART', 'specialize, stop'],
      ['@cygstrap stage logon', 'logon, stop'],
    ],
  ],
  [
    'UEFI, no key arrives: four starts',
    WINDOWS_PROGRESS,
    [
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
      [LOADER_ENDS, 'stop, RESET start 2 of 4'],
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
      [LOADER_ENDS, 'stop, RESET start 3 of 4'],
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
      [LOADER_ENDS, 'stop, RESET start 4 of 4'],
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
      [LOADER_ENDS, `stop, FAILED: ${BOOT_LOADER_ENDED}`],
    ],
  ],
  [
    'UEFI, the boot loader ends after the guest has restarted once: there was no reset',
    WINDOWS_PROGRESS,
    [
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
      ['RESTART', 'stop'],
      [LOADER_ENDS, `stop, FAILED: ${BOOT_LOADER_ENDED.replace(' in 4 starts', '')}`],
    ],
  ],
  [
    'UEFI, a key arrives in the second start; the firmware tries its other entries until the reset',
    WINDOWS_PROGRESS,
    [
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
      [LOADER_ENDS.slice(0, -10), 'stop, RESET start 2 of 4'],
      [LOADER_ENDS, ''],
      [`BdsDxe: starting Boot0003 ${SHELL}`, ''],
      ['UEFI Interactive Shell v2.2', ''],
      [`BdsDxe: failed to load Boot0002 ${DISK}: Not Found`, ''],
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
      ['WRITE 4000000', 'windowspe, stop'],
    ],
  ],
  [
    'UEFI, the prompt appears after the last key: keys are pressed in the next start',
    WINDOWS_PROGRESS,
    [
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
      ['KEYS PRESSED', 'windowspe'],
      [LOADER_ENDS, 'stop, RESET start 2 of 4'],
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
    ],
  ],
  [
    'UEFI, an ISO for BIOS only',
    WINDOWS_PROGRESS,
    [
      [`BdsDxe: failed to load Boot0001 ${DVD}: Not Found`, 'stop, FAILED: the firmware found nothing to start'],
      [`BdsDxe: starting Boot0003 ${SHELL}`, 'stop, FAILED: the firmware found nothing to start'],
      ['UEFI Interactive Shell v2.2', 'stop, FAILED: the firmware found nothing to start'],
      ['BdsDxe: No bootable option or device was found.', 'stop, FAILED: the firmware found nothing to start'],
    ],
  ],
  [
    'UEFI, a reset at the logo; the medium starts again, and no key is pressed',
    WINDOWS_PROGRESS,
    [
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
      ['KEYS PRESSED', 'windowspe'],
      ['RESTART', 'stop'],
      [`BdsDxe: starting Boot0001 ${DVD}`, ''],
      [LOADER_ENDS, 'stop, FAILED: Setup restarted the machine before it wrote to the disk'],
    ],
  ],
  [
    'UEFI, a disk that does not start',
    WINDOWS_PROGRESS,
    [
      [`BdsDxe: starting Boot0001 ${DVD}`, 'keys'],
      ['WRITE 4000000', 'windowspe, stop'],
      ['RESTART', 'specialize, stop'],
      [`BdsDxe: failed to load Boot0002 ${DISK}: Not Found`, 'stop'],
      [`BdsDxe: starting Boot0001 ${DVD}`, ''],
      [LOADER_ENDS, 'stop, FAILED: the disk does not start after Setup has restarted the machine'],
    ],
  ],
  [
    'BIOS: SeaBIOS prints no line end before the boot loader starts',
    WINDOWS_PROGRESS,
    [
      ['Booting from Hard Disk...', ''],
      ['Boot failed: not a bootable disk', ''],
      ['Booting from DVD/CD..', 'keys'],
      ['KEYS PRESSED', 'windowspe'],
      ['WRITE 4000000', ''],
      ['RESTART', 'specialize, stop'],
      ['Booting from Hard Disk..', 'stop'],
      ['@cygstrap stage logon', 'logon, stop'],
    ],
  ],
  [
    'BIOS, a disk that does not start',
    WINDOWS_PROGRESS,
    [
      ['Booting from DVD/CD..', 'keys'],
      ['WRITE 4000000', 'windowspe, stop'],
      ['RESTART', 'specialize, stop'],
      ['Booting from Hard Disk...', 'stop'],
      ['Boot failed: not a bootable disk', 'FAILED: the disk does not start after Setup has restarted the machine'],
    ],
  ],
  [
    'BIOS, nothing to start',
    WINDOWS_PROGRESS,
    [['No bootable device.', 'stop, FAILED: the firmware found nothing to start']],
  ],
  [
    'Windows XP',
    LEGACY_PROGRESS,
    [
      ['Boot failed: not a bootable disk', ''],
      ['Booting from DVD/CD..', 'keys'],
      ['KEYS PRESSED', 'textmode'],
      ['WRITE 4000000', ''],
      ['RESTART', 'guimode, stop'],
      ['Booting from Hard Disk..', 'stop'],
      ['RESTART', 'stop'],
      ['@cygstrap stage logon', 'logon, stop'],
      ['@cygstrap stage script', 'script, stop'],
    ],
  ],
])('%s', (_, progress, events) => {
  const got = story(
    progress,
    events.map(([event]) => event),
  );
  expect(events.map(([event], i) => [event, got[i]])).toEqual(events);
});

test('one restart of the guest can be several resets; a step keeps the limit of its phase', () => {
  const state = new InstallState(WINDOWS_PROGRESS, 0);
  expect([1000, 1028, 1110, 2500].map((ms) => state.addRestart(ms))).toEqual([true, false, false, true]);
  state.add({ kind: 'keys-pressed' }, 3000);
  expect(state.add(eventOf('@cygstrap stage copy 2/7'), 4000).started).toEqual({
    name: 'copy',
    step: { number: 2, of: 7 },
  });
  expect([state.phase.name, state.step, state.stepSinceMs]).toEqual(['windowspe', 'copy', 4000]);
});

test('every phase has a limit and a hint, and its name is that of the marker of the script', () => {
  expect(WINDOWS_PROGRESS.phases.map(({ name }) => name)).toEqual([
    'firmware',
    'windowspe',
    'specialize',
    'complete',
    'logon',
    'script',
    'cygwin',
    'configure',
    'verify',
  ]);
  for (const { phases } of [WINDOWS_PROGRESS, LEGACY_PROGRESS])
    for (const { name, timeoutMs, hint } of phases)
      expect([name, timeoutMs > 0, (hint ?? '') !== '']).toEqual([name, true, true]);
});
