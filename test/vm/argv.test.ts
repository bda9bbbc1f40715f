import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Qemu } from '../../src/vm/base/host.ts';
import type { LinkSpec, MachineSpec } from '../../src/vm/base/spec.ts';
import { PROJECT } from '../support/transcript.ts';
import { tinyMachine } from './support.ts';
import { debian12, direct, DIRECTORY, nic, wordsOf } from './argv-support.ts';

const newest: Qemu = {
  ...debian12,
  version: '10.1.0',
  accelerators: [{ name: 'kvm', works: true, cpu: 'qemu64', durationMs: 40 }],
  machineTypes: ['pc-i440fx-10.0', 'pc-i440fx-10.1', 'pc-i440fx-9.2', 'pc-q35-10.1', 'pc-q35-9.2'],
  hasMappedRam: true,
};

function textOf(words: readonly string[]): string {
  return `${words.join('\n').replaceAll(/^(-[\w-]+)\n(?!-)/gm, '$1 ')}\n`;
}

const vde: LinkSpec = { kind: 'vde', directory: `${DIRECTORY}/vde.ctl` };
const streamServer: LinkSpec = { kind: 'stream', path: `${DIRECTORY}/net`, isServer: true };
const stream: LinkSpec = { kind: 'stream', path: `${DIRECTORY}/net`, isServer: false };

const standIn = tinyMachine('/store/disk.qcow2', {
  name: 'guest',
  memory: { sizeMiB: 512, backing: { kind: 'private' } },
  disks: [
    {
      id: 'disk0',
      bus: 'ide',
      source: { kind: 'file', path: '/store/disk.qcow2', format: 'qcow2', writes: 'persistent' },
    },
  ],
  boot: { kind: 'kernel', kernel: '/cache/vmlinuz', initrd: '/cache/initrd', append: 'console=ttyS0 panic=-1' },
  graphics: { kind: 'vga' },
  hasPanicDevice: true,
});

const standInInstall: MachineSpec = {
  ...standIn,
  disks: [
    {
      id: 'disk0',
      bus: 'ide',
      source: { kind: 'file', path: '/store/blank.qcow2', format: 'qcow2', writes: 'persistent' },
    },
  ],
  cdroms: [{ id: 'repo', path: '/media/repo.iso' }],
  floppies: [{ id: 'answers', path: '/media/answers.img' }],
  nics: [nic({ kind: 'none' })],
};

function snapshot(link: LinkSpec): MachineSpec {
  return {
    ...standIn,
    memory: { sizeMiB: 512, backing: { kind: 'file', path: '/store/ram', isShared: true } },
    nics: [nic(link)],
  };
}

function run(link: LinkSpec): MachineSpec {
  return {
    ...snapshot(link),
    disks: [
      {
        id: 'disk0',
        bus: 'ide',
        source: { kind: 'file', path: '/store/disk.qcow2', format: 'qcow2', writes: 'throw-away' },
      },
    ],
    memory: { sizeMiB: 512, backing: { kind: 'file', path: '/store/ram', isShared: false } },
    machineType: 'pc-i440fx-7.2',
    start: 'incoming',
  };
}

const controller = tinyMachine('/none', {
  name: 'controller',
  memory: { sizeMiB: 512, backing: { kind: 'private' } },
  disks: [],
  boot: {
    kind: 'kernel',
    kernel: '/cache/vmlinuz',
    initrd: '/cache/controller.cpio',
    append: 'console=ttyS0 quiet panic=-1',
  },
  shares: [
    { id: 'store', tag: 'store', path: '/nix/store', isReadonly: true },
    { id: 'xchg', tag: 'xchg', path: '/tmp/xchg, mine', isReadonly: false },
  ],
});

function controllerOn(link: LinkSpec): MachineSpec {
  return { ...controller, nics: [{ ...nic(link, 'virtio-net-pci'), mac: '52:54:00:12:01:02' }] };
}

const windows = tinyMachine('/store/windows.qcow2', {
  name: 'windows',
  family: 'q35',
  firmware: {
    kind: 'uefi',
    code: { path: '/usr/share/OVMF/OVMF_CODE_4M.fd', format: 'raw' },
    vars: '/store/vars.qcow2',
  },
  tpm: { stateDirectory: '/store/windows, 11' },
  cpu: 'qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt',
  cpus: 2,
  memory: { sizeMiB: 4096, backing: { kind: 'private' } },
  disks: [
    {
      id: 'disk0',
      bus: 'ahci',
      source: { kind: 'file', path: '/store/windows.qcow2', format: 'qcow2', writes: 'persistent' },
    },
    { id: 'scratch', bus: 'ahci', source: { kind: 'empty', sizeMiB: 1024 } },
  ],
  cdroms: [
    { id: 'windows', path: '/media/windows.iso' },
    { id: 'repo', path: '/media/repo.iso' },
  ],
  floppies: [{ id: 'answers', path: '/media/answers.img' }],
  boot: { kind: 'disk-then-cdrom' },
  nics: [nic({ kind: 'none' }, 'e1000e')],
  graphics: { kind: 'vga' },
  pointer: 'usb-tablet',
  clock: { base: 'localtime', runsBy: 'vm' },
  onReset: 'reset',
  disabled: ['hpet', 'vmport', 'suspend'],
});

const GOLDENS: [string, MachineSpec, Qemu?][] = [
  ['stand-in-install', standInInstall],
  ['stand-in-snapshot-direct', snapshot(direct)],
  ['stand-in-snapshot-vde', snapshot(vde)],
  ['stand-in-snapshot-stream', snapshot(stream)],
  ['stand-in-run-direct', run(direct)],
  ['stand-in-run-vde', run(vde)],
  ['stand-in-run-stream', run(stream)],
  ['stand-in-run-direct-newest-qemu', { ...run(direct), machineType: 'pc-i440fx-9.2' }, newest],
  ['controller-vde', controllerOn(vde)],
  ['controller-stream', controllerOn(streamServer)],
  ['windows-install', windows],
  [
    'windows-snapshot',
    {
      ...windows,
      cdroms: [],
      floppies: [],
      boot: { kind: 'disk' },
      nics: [nic(direct, 'e1000e')],
      graphics: { kind: 'vga' },
      onReset: 'exit',
    },
    newest,
  ],
  [
    'windows-pc',
    {
      ...windows,
      family: 'pc',
      firmware: { kind: 'bios', hasConsole: true },
      disks: [
        {
          id: 'disk0',
          bus: 'ide',
          source: { kind: 'file', path: '/store/windows.qcow2', format: 'qcow2', writes: 'persistent' },
        },
        { id: 'more', bus: 'ahci', source: { kind: 'empty', sizeMiB: 10 } },
      ],
      nics: [nic({ kind: 'none' }, 'rtl8139')],
    },
  ],
];

describe('the command line of', () => {
  test.each(GOLDENS)('%s', async (name, spec, qemu) => {
    await expect(textOf(wordsOf(spec, qemu))).toMatchFileSnapshot(join(PROJECT, `fixtures/vm/argv/${name}.txt`));
  });

  test.each(GOLDENS)('%s: every device has an id and an address of its own', (_name, spec, qemu) => {
    const words = wordsOf(spec, qemu);
    const devices = words.filter((_word, i) => words[i - 1] === '-device');
    expect(devices.filter((device) => !device.includes(',id='))).toEqual([]);
    const places = devices.flatMap((device) => /bus=pcie?\.0,addr=[^,]+/.exec(device) ?? []);
    expect(new Set(places).size).toBe(places.length);
    const ids = words.flatMap((word) => /(?:^|,)(?:id|node-name)=([^,]+)/.exec(word)?.[1] ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect(words.some((word) => /readline|monitor/.test(word))).toBe(false);
  });

  test('a saved machine and the revived one have the same devices, for any link', () => {
    const devicesOf = (spec: MachineSpec): string[] => {
      const words = wordsOf(spec);
      return words.filter((_word, i) => ['-device', '-machine', '-cpu', '-m', '-smp'].includes(words[i - 1] ?? ''));
    };
    for (const after of [direct, vde, stream, { kind: 'none' } as const])
      expect(devicesOf(run(after))).toEqual(devicesOf(snapshot(direct)));
  });
});

test('doubles commas where QEMU splits, and quotes commands', () => {
  const words = wordsOf({
    ...standIn,
    disks: [
      { id: 'disk0', bus: 'ide', source: { kind: 'file', path: '/a,b/disk,1', format: 'raw', writes: 'persistent' } },
    ],
    boot: { kind: 'kernel', kernel: '/a,b/vmlinuz', append: 'init=/a,b' },
    nics: [nic({ kind: 'direct', smbdCommand: ['/usr/sbin/smbd', '-s', "/it's, here/smb.conf"], sshPort: 40022 })],
  });
  expect(words).toContain('/a,b/vmlinuz');
  expect(words).toContain('init=/a,b');
  expect(words.find((word) => word.includes('drive-disk0'))).toContain('file.filename=/a,,b/disk,,1,');
  expect(words.find((word) => word.includes('guestfwd'))).toContain(
    "cmd:/usr/sbin/smbd -s '/it'\\''s,, here/smb.conf',hostfwd=",
  );
});
