import { describe, expect, test } from 'vitest';
import { argvOf } from '../../src/vm/argv.ts';
import { filesOf } from '../../src/vm/base/layout.ts';
import type { MachineSpec } from '../../src/vm/base/spec.ts';
import { tinyMachine } from './support.ts';
import { debian12, direct, nic, wordsOf } from './argv-support.ts';

const disk = (id: string, bus: 'ide' | 'ahci' | 'virtio', writes: 'persistent' | 'read-only' = 'persistent') =>
  ({ id, bus, source: { kind: 'file', path: '/d', format: 'raw', writes } }) as const;

describe('more devices than there is room for are an error of usage', () => {
  test.each<[string, Partial<MachineSpec>, string]>([
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
    [
      'a third floppy',
      { floppies: ['a', 'b', 'c'].map((id) => ({ id, path: '/c' })) },
      'too many floppies: 3, at most 2',
    ],
  ])('%s', (_name, more, message) => {
    expect(() => wordsOf(tinyMachine('/disk', more))).toThrow(expect.objectContaining({ code: 'usage', message }));
  });
});

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
