import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { MachineSpec } from '../../src/vm/base/spec.ts';
import { startMachine } from '../../src/vm/start.ts';
import { QEMU, describeWith, emulatingHost } from '../support/qemu.ts';
import { diskOf, talkingGuest } from './guests.ts';
import { runs, temporaryDirectory, tinyMachine, until } from './support.ts';

interface Place {
  /** Directory of sockets. */
  readonly run: string;
  readonly state: string;
  readonly spec: MachineSpec;
}

/** A machine with a TPM. Commas separate the options of QEMU and of swtpm. */
function placeOf(end: 'hang' | 'power off'): Place {
  const directory = temporaryDirectory();
  const [run, state] = [join(directory, 'r'), join(directory, 'state, of the TPM')];
  for (const each of [run, state]) mkdirSync(each);
  const disk = diskOf(directory, talkingGuest('up\n', end));
  return { run, state, spec: tinyMachine(disk, { tpm: { stateDirectory: state } }) };
}

describeWith([QEMU, 'swtpm'], 'a machine with a TPM', () => {
  test('leaves the state of the TPM, and nothing else', async () => {
    const { run, state, spec } = placeOf('power off');
    await using machine = await startMachine(spec, await emulatingHost(), { directory: run });
    expect(await machine.exited).toEqual({ reason: 'guest-shutdown' });
    expect(statSync(join(state, 'tpm2-00.permall')).mode & 0o777).toBe(0o600);
    expect(readdirSync(run).filter((name) => name.includes('tpm'))).toEqual([]);
    const before = readFileSync(join(state, 'tpm2-00.permall'));
    await using again = await startMachine(spec, await emulatingHost(), { directory: run });
    expect(await again.exited).toEqual({ reason: 'guest-shutdown' });
    expect(before.length).toBeGreaterThan(0);
  });

  test('has died if its TPM has', async () => {
    const { run, spec } = placeOf('hang');
    await using machine = await startMachine(spec, await emulatingHost(), { directory: run });
    process.kill(Number(readFileSync(join(run, 'tiny.tpm.pid'), 'utf8')), 'SIGKILL');
    expect(await machine.exited).toMatchObject({
      reason: 'died',
      error: { code: 'vm', message: 'the TPM of the machine ended (signal SIGKILL)' },
    });
  });

  test('ends its TPM when it is disposed of, and when it cannot start', async () => {
    const { run, spec } = placeOf('hang');
    const machine = await startMachine(spec, await emulatingHost(), { directory: run });
    const pid = Number(readFileSync(join(run, 'tiny.tpm.pid'), 'utf8'));
    await machine[Symbol.asyncDispose]();
    expect(runs(pid)).toBe(false);
    const refused = { ...spec, extraArguments: ['--no-such-option'] };
    await expect(startMachine(refused, await emulatingHost(), { directory: run })).rejects.toMatchObject({
      message: expect.stringContaining('QEMU of machine `tiny` died') as string,
    });
    expect(existsSync(join(run, 'tiny.tpm'))).toBe(false);
  });

  test('does not start with a damaged state or without swtpm', async () => {
    const { run, state, spec } = placeOf('hang');
    const host = await emulatingHost();
    await expect(
      startMachine(spec, { ...host, tools: { ...host.tools, swtpm: undefined } }, { directory: run }),
    ).rejects.toMatchObject({
      message: '`swtpm` is not installed',
      hint: 'run `cygstrap doctor`; it prints the command that installs it',
    });
    writeFileSync(join(state, 'tpm2-00.permall'), 'damaged');
    await expect(startMachine(spec, host, { directory: run })).rejects.toMatchObject({ code: 'vm' });
    await until(() => !existsSync(join(run, 'tiny.tpm')));
  });
});
