import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Host } from '../../src/vm/base/host.ts';
import type { FirmwareSpec, MachineSpec } from '../../src/vm/base/spec.ts';
import { createDisk, createVariables } from '../../src/vm/disk.ts';
import { startMachine } from '../../src/vm/start.ts';
import { QEMU, describeWith, emulatingHost } from '../support/qemu.ts';
import { talkingGuest } from './guests.ts';
import { temporaryDirectory, tinyMachine, until } from './support.ts';

/** An ISO image whose boot sector, for BIOS, is a guest. */
function isoOf(directory: string, guest: Buffer): string {
  const tree = join(directory, 'tree');
  const image = join(directory, 'guest.iso');
  mkdirSync(tree);
  writeFileSync(join(tree, 'boot.bin'), Buffer.concat([guest, Buffer.alloc(2048 - guest.length)]));
  const options = ['-quiet', '-b', 'boot.bin', '-c', 'boot.cat', '-no-emul-boot', '-boot-load-size', '4'];
  execFileSync('xorriso', ['-as', 'mkisofs', ...options, '-o', image, tree], { stdio: 'ignore' });
  return image;
}

async function firmwareOf(host: Host, directory: string): Promise<FirmwareSpec> {
  if (host.firmware === undefined) throw new Error('no UEFI firmware');
  const vars = join(directory, 'vars.qcow2');
  await createVariables(host, { path: vars, from: host.firmware.vars });
  return { kind: 'uefi', code: host.firmware.code, vars };
}

/** A machine with a blank disk, and a CD after it. */
async function machineWith(directory: string, iso: string, more: Partial<MachineSpec>): Promise<MachineSpec> {
  const disk = join(directory, 'blank.qcow2');
  await createDisk(await emulatingHost(), { path: disk, format: 'qcow2', sizeMiB: 16 });
  return tinyMachine(disk, {
    memory: { sizeMiB: 256, backing: { kind: 'private' } },
    disks: [{ id: 'disk0', bus: 'ide', source: { kind: 'file', path: disk, format: 'qcow2', writes: 'persistent' } }],
    cdroms: [{ id: 'cd0', path: iso }],
    boot: { kind: 'disk-then-cdrom' },
    ...more,
  });
}

describeWith([QEMU, 'qemu-img', 'xorriso'], 'firmware', () => {
  test('BIOS skips a blank disk, starts the CD, and writes its messages on COM1 if asked to', async () => {
    const directory = temporaryDirectory();
    const iso = isoOf(directory, talkingGuest('from the CD\n', 'power off'));
    const firmware = { kind: 'bios', hasConsole: true } as const;
    await using machine = await startMachine(await machineWith(directory, iso, { firmware }), await emulatingHost(), {
      directory,
    });
    await machine.exited;
    const console = readFileSync(machine.files.consoleLog, 'latin1');
    expect(console).toMatch(/SeaBIOS.*not a bootable disk.*from the CD/s);
  });

  test('UEFI loses no text while cygstrap does not read it', { timeout: 240_000 }, async ({ skip }) => {
    const directory = temporaryDirectory();
    const host = await emulatingHost();
    if (host.firmware === undefined) skip('no UEFI firmware is installed');
    const iso = isoOf(directory, talkingGuest('unused', 'hang'));
    const spec = await machineWith(directory, iso, {
      family: 'q35',
      firmware: await firmwareOf(host, directory),
      disks: [{ id: 'disk0', bus: 'ahci', source: { kind: 'empty', sizeMiB: 16 } }],
    });
    await using machine = await startMachine(spec, host, { directory });
    const text = (): string => readFileSync(machine.files.consoleLog, 'latin1');
    // Blocks this process.
    for (let tries = 0; tries < 1200 && !text().includes('Shell> '); tries++)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    expect(text()).toMatch(/failed to load .*HARDDISK.*failed to load .*DVD-ROM.*starting .*Shell.*Mapping table.*> /s);
    await machine.quit();
    const lines: string[] = [];
    for await (const line of machine.console()) lines.push(line);
    expect(lines.filter((line) => line.startsWith('BdsDxe: '))).toHaveLength(text().split('BdsDxe: ').length - 1);
  });

  test('UEFI writes on COM1 what it starts: the disk, then the CD', async ({ skip }) => {
    const directory = temporaryDirectory();
    const host = await emulatingHost();
    if (host.firmware === undefined) skip('no UEFI firmware is installed');
    const iso = isoOf(directory, talkingGuest('unused', 'hang'));
    const firmware = await firmwareOf(host, directory);
    const spec = await machineWith(directory, iso, {
      family: 'q35',
      firmware,
      disks: [{ id: 'disk0', bus: 'ahci', source: { kind: 'empty', sizeMiB: 16 } }],
    });
    await using machine = await startMachine(spec, host, { directory });
    const console = (): string => readFileSync(machine.files.consoleLog, 'latin1');
    await until(() => /BdsDxe: .*HARDDISK.*BdsDxe: .*DVD-ROM/s.test(console()), 120_000);
    await machine.quit();
  });
});
