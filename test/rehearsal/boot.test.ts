import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FirmwareSpec, MachineSpec } from '../../src/vm/base/spec.ts';
import { createDisk, createVariables } from '../../src/vm/disk.ts';
import type { Machine } from '../../src/vm/machine.ts';
import { sendKeys } from '../../src/vm/qmp/commands.ts';
import { startMachine } from '../../src/vm/start.ts';
import { describeWith, emulatingHost, QEMU } from '../support/qemu.ts';
import { temporaryDirectory, tinyMachine, until } from '../vm/support.ts';
import { makeCounterfeitIso, REHEARSAL_PROGRAMS } from './medium.ts';
import type { CounterfeitOptions } from './medium.ts';

const STUB = join(import.meta.dirname, 'boot/stub.ts');
const LIMIT_MS = 240_000;

/** Starts a machine with a blank disk and the medium, as an installation does. */
async function start(kind: FirmwareSpec['kind'], boot?: CounterfeitOptions['boot']): Promise<Machine> {
  const directory = temporaryDirectory();
  const host = await emulatingHost();
  const iso = await makeCounterfeitIso({ directory, setup: STUB, ...(boot !== undefined && { boot }) });
  const disk = join(directory, 'disk.qcow2');
  await createDisk(host, { path: disk, format: 'qcow2', sizeMiB: 4096 });
  const bus = kind === 'uefi' ? 'ahci' : 'ide';
  const spec: MachineSpec = tinyMachine(disk, {
    family: kind === 'uefi' ? 'q35' : 'pc',
    firmware: kind === 'uefi' ? await uefi(directory) : { kind, hasConsole: true },
    cpu: 'Nehalem',
    memory: { sizeMiB: 1024, backing: { kind: 'private' } },
    disks: [{ id: 'disk0', bus, source: { kind: 'file', path: disk, format: 'qcow2', writes: 'persistent' } }],
    cdroms: [{ id: 'cd0', path: iso }],
    boot: { kind: 'disk-then-cdrom' },
    graphics: { kind: 'vga' },
    onReset: 'reset',
  });
  return startMachine(spec, host, { directory });
}

async function uefi(directory: string): Promise<FirmwareSpec> {
  const host = await emulatingHost();
  if (host.firmware === undefined) throw new Error('no UEFI firmware');
  const vars = join(directory, 'vars.qcow2');
  await createVariables(host, { path: vars, from: host.firmware.vars });
  return { kind: 'uefi', code: host.firmware.code, vars };
}

function consoleOf({ files }: Machine): string {
  return readFileSync(files.consoleLog, 'latin1');
}

/** What the stub writes on COM1, in order. */
function linesOf(machine: Machine): string[] {
  return consoleOf(machine).match(/(?<=stub: ).*(?=\r\n)/g) ?? [];
}

const INSTALLED = [
  'from cd, state undefined, media D',
  'blank disk',
  'used disk',
  'from disk, state first, media D',
  'from disk, state second, media D',
];

describeWith([QEMU, 'qemu-img', ...REHEARSAL_PROGRAMS], 'the boot code of the counterfeit', () => {
  test('UEFI starts the medium after a key, then the disk at each restart', { timeout: LIMIT_MS }, async () => {
    await using machine = await start('uefi');
    await until(() => consoleOf(machine).includes('Press any key to boot from CD or DVD...'), LIMIT_MS);
    await sendKeys(machine.qmp, ['ret']);
    expect(await machine.exited).toEqual({ reason: 'guest-shutdown' });
    expect(linesOf(machine)).toEqual(INSTALLED);
    const starts = [...consoleOf(machine).matchAll(/BdsDxe: starting Boot\w+ "(.*?) ?" from (\w+)/g)];
    expect(starts.map(([, name, from]) => `${name} from ${from}`)).toEqual([
      expect.stringMatching(/^UEFI QEMU DVD-ROM .* from PciRoot$/),
      'Windows Boot Manager from HD',
      'Windows Boot Manager from HD',
    ]);
  });

  test('UEFI goes on to the next entry if a question has no answer', { timeout: LIMIT_MS }, async () => {
    await using machine = await start('uefi', 'prompt-twice');
    const prompts = (): number => consoleOf(machine).split('Press any key').length - 1;
    await until(() => prompts() === 1, LIMIT_MS);
    await sendKeys(machine.qmp, ['ret']);
    await until(() => /DVD-ROM.*Press any key.*Press any key.*DVD-ROM.*Time out/s.test(consoleOf(machine)), LIMIT_MS);
    await machine.quit();
    expect(linesOf(machine)).toEqual([]);
  });

  test('BIOS starts the medium without a key, then the disk at each restart', { timeout: LIMIT_MS }, async () => {
    await using machine = await start('bios');
    expect(await machine.exited).toEqual({ reason: 'guest-shutdown' });
    expect(linesOf(machine)).toEqual(INSTALLED);
    expect(consoleOf(machine)).toMatch(/not a bootable disk.*ISOLINUX.*SYSLINUX.*SYSLINUX/s);
  });
});
