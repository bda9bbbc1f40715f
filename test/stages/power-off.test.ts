import { expect, test } from 'vitest';
import type { Event } from '../../src/events.ts';
import { powerOff } from '../../src/stages/power-off.ts';
import type { MachineExit } from '../../src/vm/machine.ts';

const target = {
  ssh: '/none',
  address: '127.0.0.1',
  port: 1,
  user: 'cygstrap',
  privateKey: '/none',
  knownHosts: '/none',
  times: { responseMs: 1000, silenceMs: 1000 },
};

test.each([
  ['reacts to the power button', true, []],
  ['does not react', false, ['no shutdown within 10 min, nor by the power button: the machine was ended', 'quit']],
])('a guest that %s', async (_, isReacting, expected) => {
  const said: string[] = [];
  const exit = { reason: 'guest-shutdown' } as MachineExit;
  const machine = {
    exited: new Promise<MachineExit>(() => {}),
    powerdown: () => (isReacting ? Promise.resolve(exit) : Promise.reject(new Error('late'))),
    quit: () => {
      said.push('quit');
      return Promise.resolve(exit);
    },
  };
  const report = (event: Event): void => {
    if (event.kind === 'warning') said.push(event.message);
  };
  const { signal } = new AbortController();
  await powerOff(machine, { target, commands: undefined, times: { powerOffMs: 600_000 }, report, signal });
  expect(said).toEqual(expected);
});
