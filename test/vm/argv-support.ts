import { argvOf } from '../../src/vm/argv.ts';
import type { Qemu } from '../../src/vm/base/host.ts';
import { filesOf } from '../../src/vm/base/layout.ts';
import type { LinkSpec, MachineSpec, NicSpec } from '../../src/vm/base/spec.ts';

/** The run directory. */
export const DIRECTORY = '/tmp/cygstrap-1a2b3c';

/** QEMU of Debian 12, without KVM. */
export const debian12: Qemu = {
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

/** Returns the words of the command line. */
export function wordsOf(spec: MachineSpec, qemu = debian12): string[] {
  return argvOf(spec, qemu, filesOf(spec.name, DIRECTORY));
}

/** A link of QEMU's own network, with shares and a port of ssh. */
export const direct = {
  kind: 'direct',
  smbdCommand: ['/usr/sbin/smbd', '-s', `${DIRECTORY}/smb.conf`, '-l', `${DIRECTORY}/smb`],
  sshPort: 40022,
} satisfies LinkSpec;

/** Returns the only network card of a machine. */
export function nic(link: LinkSpec, model: NicSpec['model'] = 'e1000'): NicSpec {
  return { id: 'nic0', model, mac: '52:54:00:12:01:01', link };
}
