import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startMachine } from '../../src/vm/start.ts';
import { QEMU, describeWith, emulatingHost } from '../support/qemu.ts';
import { diskOf, talkingGuest, writingGuest } from './guests.ts';
import { temporaryDirectory, tinyMachine, until } from './support.ts';

describeWith([QEMU], 'the devices of a machine', () => {
  test('that stops because the disk of the host is full has died', async ({ skip }) => {
    const directory = temporaryDirectory();
    const small = join(directory, 'small');
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small], { stdio: 'ignore' });
    } catch {
      skip('mounting is not allowed here');
    }
    onTestFinished(() => void execFileSync('umount', [small]));
    const disk = join(small, 'disk.raw');
    writeFileSync(disk, writingGuest());
    truncateSync(disk, 16 * 1024 * 1024);
    const spec = tinyMachine(disk, {
      disks: [{ id: 'disk0', bus: 'ide', source: { kind: 'file', path: disk, format: 'raw', writes: 'persistent' } }],
    });
    await using machine = await startMachine(spec, await emulatingHost(), { directory });
    expect(await machine.exited).toMatchObject({
      reason: 'died',
      error: {
        code: 'vm',
        message: 'machine `tiny` cannot write: the disk of the host is full (`drive-disk0`)',
        hint: 'free some disk space',
      },
    });
  });

  test('writes to persistent disks only', async () => {
    const directory = temporaryDirectory();
    const host = await emulatingHost();
    const guest = writingGuest();
    for (const writes of ['throw-away', 'persistent'] as const) {
      const disk = diskOf(directory, guest, writes);
      const before = readFileSync(disk);
      const spec = tinyMachine(disk, {
        name: writes,
        disks: [{ id: 'disk0', bus: 'ide', source: { kind: 'file', path: disk, format: 'raw', writes } }],
      });
      await using machine = await startMachine(spec, host, { directory });
      // The guest prints this at the end of the disk.
      await until(() => readFileSync(machine.files.consoleLog).includes('!'));
      await machine.quit();
      expect(readFileSync(disk).equals(before)).toBe(writes === 'throw-away');
    }
  });

  test('has empty disks that are removed with it, and QEMU accepts all devices together', async () => {
    const directory = temporaryDirectory();
    const disk = diskOf(directory, talkingGuest('up\n', 'power off'));
    const spec = tinyMachine(disk, {
      family: 'q35',
      disks: [
        { id: 'disk0', bus: 'ahci', source: { kind: 'file', path: disk, format: 'raw', writes: 'throw-away' } },
        { id: 'disk1', bus: 'virtio', source: { kind: 'empty', sizeMiB: 3 } },
      ],
      cdroms: [{ id: 'cd0', path: disk }],
      floppies: [{ id: 'floppy0', path: disk }],
      nics: [
        {
          id: 'nic0',
          model: 'e1000e',
          mac: '52:54:00:12:01:01',
          link: { kind: 'direct', smbdCommand: ['/bin/echo', 'a, b'], sshPort: 'any' },
        },
        { id: 'nic1', model: 'virtio-net-pci', mac: '52:54:00:12:01:02', link: { kind: 'none' } },
        {
          id: 'nic2',
          model: 'e1000',
          mac: '52:54:00:12:01:03',
          link: { kind: 'stream', path: join(directory, 'net'), isServer: true },
        },
      ],
      shares: [{ id: 'share0', tag: 'store', path: directory, isReadonly: true }],
      graphics: { kind: 'vga' },
      pointer: 'usb-tablet',
      disabled: ['hpet', 'vmport', 'suspend'],
      start: 'paused',
    });
    await using machine = await startMachine(spec, await emulatingHost(), { directory });
    expect(existsSync(join(directory, 'tiny.empty-disk1.raw'))).toBe(true);
    expect(machine.sshPort).toBeGreaterThan(1023);
    await machine.command('cont');
    expect(await machine.exited).toEqual({ reason: 'guest-shutdown' });
    await until(() => !existsSync(join(directory, 'tiny.empty-disk1.raw')));
  });

  test('of the other family accepts all devices too', async () => {
    const directory = temporaryDirectory();
    const disk = diskOf(directory, talkingGuest('up\n', 'power off'));
    const spec = tinyMachine(disk, {
      disks: [
        { id: 'disk0', bus: 'ide', source: { kind: 'file', path: disk, format: 'raw', writes: 'throw-away' } },
        { id: 'disk1', bus: 'ahci', source: { kind: 'empty', sizeMiB: 3 } },
        { id: 'disk2', bus: 'virtio', source: { kind: 'file', path: disk, format: 'raw', writes: 'read-only' } },
      ],
      cdroms: ['cd0', 'cd1', 'cd2'].map((id) => ({ id, path: disk })),
      floppies: ['floppy0', 'floppy1'].map((id) => ({ id, path: disk })),
      nics: (['pcnet', 'rtl8139'] as const).map((model, i) => ({
        id: `nic${i}`,
        model,
        mac: `52:54:00:12:01:0${i}`,
        link: { kind: 'stream', path: join(directory, `net${i}`), isServer: true } as const,
      })),
      graphics: { kind: 'vga' },
      pointer: 'usb-tablet',
      disabled: ['hpet', 'vmport', 'suspend'],
      clock: { base: '2010-01-01T00:00:00', runsBy: 'vm' },
      hasPanicDevice: true,
    });
    await using machine = await startMachine(spec, await emulatingHost(), { directory });
    expect(await machine.exited).toEqual({ reason: 'guest-shutdown' });
    expect(machine.stderrTail()).toEqual([]);
  });

  test('does not start if its RAM file does not fit on the disk', async () => {
    const directory = temporaryDirectory();
    const memory = {
      sizeMiB: 2 ** 40,
      backing: { kind: 'file', path: join(directory, 'ram'), isShared: true },
    } as const;
    await expect(
      startMachine(tinyMachine('/none', { memory }), await emulatingHost(), { directory }),
    ).rejects.toMatchObject({
      code: 'vm',
      message: expect.stringContaining('not enough disk space for the memory') as string,
    });
    expect(existsSync(join(directory, 'ram'))).toBe(false);
  });
});
