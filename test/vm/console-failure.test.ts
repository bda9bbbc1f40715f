import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startProgram } from '../../src/io/program.ts';
import type { MachineFiles } from '../../src/vm/base/layout.ts';
import { Machine } from '../../src/vm/machine.ts';
import type { QmpSession } from '../../src/vm/qmp/session.ts';
import { temporaryDirectory, tinyMachine } from './support.ts';

/** A session of QMP without events. */
const QMP = { async *events() {}, async [Symbol.asyncDispose]() {} } as unknown as QmpSession;

/** Returns a machine with a console log that cannot be read; its QEMU is a program that does nothing. */
async function machineWithoutLog(): Promise<Machine> {
  const consoleLog = join(temporaryDirectory(), 'missing', 'console.log');
  return new Machine({
    spec: tinyMachine('disk.raw'),
    files: { consoleLog } as MachineFiles,
    consoleStart: 0,
    child: await startProgram(['sleep', '600'], {}),
    cleaned: Promise.resolve(),
    tpm: undefined,
    qmp: QMP,
    command: 'qemu',
    sshPort: undefined,
    report: () => {},
  });
}

test('a console log that cannot be read ends the machine, with the reason', async () => {
  await using machine = await machineWithoutLog();
  const { consoleLog } = machine.files;
  const message = `machine \`tiny\` was ended: cannot read its console log \`${consoleLog}\`: ENOENT`;
  await expect(machine.unlessEnded(new Promise(() => {}))).rejects.toMatchObject({
    code: 'vm',
    message,
    details: { consoleLog },
    cause: { code: 'io', details: { system: 'ENOENT' } },
  });
  expect(await machine.exited).toMatchObject({ reason: 'died', error: { message } });
});

test('a console log that cannot be read does not change an intended end', async () => {
  const machine = await machineWithoutLog();
  await machine[Symbol.asyncDispose]();
  expect(await machine.exited).toEqual({ reason: 'host-quit' });
});
