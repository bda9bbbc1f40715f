import { expect, test } from 'vitest';
import { timesWith } from '../../src/guest/times.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import { bareTemplate } from '../../src/stages/machine-spec.ts';
import { WINDOWS_GUESTS } from '../../src/guest/windows/kinds.ts';

test('a booted machine has no removable media, which a snapshot would refer to', () => {
  for (const guest of [standIn, ...WINDOWS_GUESTS])
    expect(bareTemplate(guest)).toMatchObject({ cdroms: [], floppies: [] });
});

test('times of a guest are longer under software emulation only', () => {
  for (const { times } of [standIn, ...WINDOWS_GUESTS]) {
    expect(timesWith(times, 'kvm')).toEqual({ ...times, emulationFactor: 1 });
    expect(timesWith(times, 'tcg').quiet.timeoutMs).toBe(times.quiet.timeoutMs * times.emulationFactor);
    const emulated = timesWith(times, 'tcg');
    for (const name of ['bootMs', 'responseMs', 'silenceMs', 'powerOffMs'] as const)
      expect(emulated[name]).toBe(times[name] * times.emulationFactor);
  }
  expect(standIn.times.emulationFactor).toBe(1);
});
