import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { argvOf } from '../../src/vm/argv.ts';
import type { Qemu } from '../../src/vm/base/host.ts';
import { filesOf } from '../../src/vm/base/layout.ts';
import type { LinkSpec, MachineSpec, NicSpec } from '../../src/vm/base/spec.ts';
import { PROJECT } from '../support/transcript.ts';
import { tinyMachine } from './support.ts';

const DIRECTORY = '/tmp/cygstrap-1a2b3c';

const debian12: Qemu = {
  binary: '/usr/bin/qemu-system-x86_64',
  version: '7.2.22',
  sizeBytes: 18397984,
  modifiedMs: 0,
  accelerators: [
    { name: 'kvm', works: false, why: 'nothing within 2000 ms', cpu: 'qemu64', durationMs: 2000 },
    { name: 'tcg', works: true, cpu: 'qemu64', durationMs: 200 },
  ],
  machineTypes: ['pc-i440fx-2.12', 'pc-i440fx-6.2', 'pc-i440fx-7.2', 'pc-q35-6.2', 'pc-q35-7.2'],
  hasIgnoreShared: true,
  hasMappedRam: false,
  hasMultifd: true,
  has9p: true,
  hasUserNetwork: true,
  hasVde: true,
  hasStream: true,
};

const newest: Qemu = {
  ...debian12,
  version: '10.1.0',
  accelerators: [{ name: 'kvm', works: true, cpu: 'qemu64', durationMs: 40 }],
  machineTypes: ['pc-i440fx-10.0', 'pc-i440fx-10.1', 'pc-i440fx-9.2', 'pc-q35-10.1', 'pc-q35-9.2'],
  hasMappedRam: true,
};

function wordsOf(spec: MachineSpec, qemu = debian12): string[] {
  return argvOf(spec, qemu, filesOf(spec.name, DIRECTORY));
}

/** One option a line, with its value. */
function textOf(words: readonly string[]): string {
  return `${words.join('\n').replaceAll(/^(-[\w-]+)\n(?!-)/gm, '$1 ')}\n`;
}

const direct: LinkSpec = {
  kind: 'direct',
  smbdCommand: ['/usr/sbin/smbd', '-s', `${DIRECTORY}/smb.conf`, '-l', `${DIRECTORY}/smb`],
  sshPort: 40022,
};
const vde: LinkSpec = { kind: 'vde', directory: `${DIRECTORY}/vde.ctl` };
const streamServer: LinkSpec = { kind: 'stream', path: `${DIRECTORY}/net`, isServer: true };
const stream: LinkSpec = { kind: 'stream', path: `${DIRECTORY}/net`, isServer: false };

function nic(link: LinkSpec, model: NicSpec['model'] = 'e1000'): NicSpec {
  return { id: 'nic0', model, mac: '52:54:00:12:01:01', link };
}

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
    vars: { path: '/store/vars.qcow2', writes: 'persistent' },
  },
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
  extraArguments: ['-global', 'ICH9-LPC.disable_s3=1'],
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

const disk = (id: string, bus: 'ide' | 'ahci' | 'virtio', writes: 'persistent' | 'read-only' = 'persistent') =>
  ({ id, bus, source: { kind: 'file', path: '/d', format: 'raw', writes } }) as const;

describe('rejected', () => {
  test.each<[string, Partial<MachineSpec>, string]>([
    ['a name with a comma', { name: 'a,b' }, 'invalid machine name'],
    ['no memory', { memory: { sizeMiB: 0, backing: { kind: 'private' } } }, 'memory must be a positive integer: 0'],
    ['a fraction of a CPU', { cpus: 0.5 }, 'the number of CPUs'],
    ['a duplicate id', { floppies: [{ id: 'disk0', path: '/f' }] }, 'duplicate device id: `disk0`'],
    ['an invalid id', { floppies: [{ id: '0', path: '/f' }] }, 'invalid device id'],
    [
      'a duplicate tag',
      {
        shares: [
          { id: 'a', tag: 't', path: '/', isReadonly: true },
          { id: 'b', tag: 't', path: '/', isReadonly: true },
        ],
      },
      'duplicate share tag: `t`',
    ],
    ['IDE on q35', { family: 'q35' }, 'no IDE bus'],
    [
      'a fifth on IDE',
      { cdroms: ['a', 'b', 'c', 'd'].map((id) => ({ id, path: '/c' })) },
      'too many disks and CDs on IDE: 5, at most 4',
    ],
    [
      'a ninth on virtio',
      { disks: [...'abcdefghi'].map((id) => disk(id, 'virtio')) },
      'too many disks on virtio: 9, at most 8',
    ],
    ['a third floppy', { floppies: ['a', 'b', 'c'].map((id) => ({ id, path: '/c' })) }, 'too many floppies'],
    ['a read-only IDE disk', { disks: [disk('d', 'ide', 'read-only')] }, 'cannot be read-only on IDE'],
    ['a relative path', { cdroms: [{ id: 'cd', path: 'a.iso' }] }, 'not an absolute path: `a.iso`'],
    [
      'a multicast address',
      { nics: [{ ...nic({ kind: 'none' }), mac: '53:54:00:12:01:01' }] },
      'invalid unicast MAC address',
    ],
    ['two direct links', { nics: [nic(direct), { ...nic(direct), id: 'nic1' }] }, 'only one network card'],
    ['no command for shares', { nics: [nic({ ...direct, smbdCommand: [] })] }, 'no command for its shares'],
    ['no port', { nics: [nic({ ...direct, sshPort: 'any' })] }, 'missing ssh port'],
    ['no CD to boot from', { boot: { kind: 'disk-then-cdrom' } }, 'missing CD to boot from'],
    [
      'a long socket path',
      { nics: [nic({ kind: 'stream', path: `/${'x'.repeat(107)}`, isServer: true })] },
      'the path of a socket is too long: 108 bytes, at most 107',
    ],
    ['an unknown machine type', { machineType: 'pc-i440fx-1.0' }, 'QEMU 7.2.22 has no machine type `pc-i440fx-1.0`'],
  ])('%s', (_name, more, message) => {
    expect(() => wordsOf(tinyMachine('/disk', more))).toThrow(
      expect.objectContaining({ code: 'vm', message: expect.stringContaining(message) as string }),
    );
  });

  test('a host without a working accelerator', () => {
    const [kvm] = debian12.accelerators;
    expect(() => wordsOf(tinyMachine('/disk'), { ...debian12, accelerators: kvm === undefined ? [] : [kvm] })).toThrow(
      'kvm: nothing within 2000 ms',
    );
    expect(wordsOf(tinyMachine('/disk', { accelerator: 'kvm' }))).toContain('kvm');
  });

  test('a run directory with a long path', () => {
    expect(() => argvOf(tinyMachine('/disk'), debian12, filesOf('tiny', `/${'x'.repeat(100)}`))).toThrow(
      'the path of a socket is too long',
    );
  });
});
