import { quoteCommand } from '../../io/quoting.ts';
import { socketPath } from '../base/layout.ts';
import { GUEST_ADDRESS, SHARES_ADDRESS, SMB_PORT, SSH_PORT } from '../network/addresses.ts';
import type { LinkSpec, MachineSpec, NicSpec } from '../base/spec.ts';
import { VmError } from '../base/vm-error.ts';
import { slotOf } from './slots.ts';
import { optionValue } from './option-value.ts';

/** Returns the id of QEMU's user network behind a card of link `direct`. It is removed before a memory image is
 *  made; otherwise the image would contain a section that only a machine with the same link can read. */
export function userNetworkOf(nicId: string): string {
  return `user-${nicId}`;
}

/** Returns the arguments for network cards and the network backends behind them. */
export function nicArguments({ family, nics }: MachineSpec): string[] {
  return nics.flatMap((nic, i) => [
    ...linkArguments(nic, i),
    '-device',
    optionValue(nic.model, [
      ['id', nic.id],
      ['bus', family === 'pc' ? 'pci.0' : 'pcie.0'],
      ['addr', slotOf('nic', i)],
      ['netdev', netdevOf(nic.id)],
      ['mac', nic.mac.toLowerCase()],
      // Disables network boot, and keeps firmware of the host out of memory images.
      ['romfile', ''],
    ]),
  ]);
}

function netdevOf(nicId: string): string {
  return `net-${nicId}`;
}

function linkArguments({ id, link }: NicSpec, index: number): string[] {
  const netdev = netdevOf(id);
  const onHub = [
    '-netdev',
    optionValue('hubport', [
      ['id', netdev],
      ['hubid', index],
    ]),
  ];
  switch (link.kind) {
    case 'none':
      return onHub;
    case 'direct':
      // The hub keeps the card plugged in when the user network is removed.
      return [
        '-netdev',
        userNetwork(id, link),
        ...onHub,
        '-netdev',
        optionValue('hubport', [
          ['id', `hub-${id}`],
          ['hubid', index],
          ['netdev', userNetworkOf(id)],
        ]),
      ];
    case 'vde':
      return [
        '-netdev',
        optionValue('vde', [
          ['id', netdev],
          ['sock', socketPath(link.directory)],
        ]),
      ];
    case 'stream':
      return [
        '-netdev',
        optionValue('stream', [
          ['id', netdev],
          ['server', link.isServer],
          ['addr.type', 'unix'],
          ['addr.path', socketPath(link.path)],
        ]),
      ];
    default:
      return link satisfies never;
  }
}

function userNetwork(nicId: string, { smbdCommand, sshPort }: Extract<LinkSpec, { kind: 'direct' }>): string {
  if (sshPort === 'any') throw new VmError(`missing ssh port of network card \`${nicId}\``);
  // The user network requires a gateway, a name server and a DHCP range; these addresses are unused.
  return optionValue('user', [
    ['id', userNetworkOf(nicId)],
    ['net', '192.168.0.0/24'],
    ['host', '192.168.0.254'],
    ['dhcpstart', '192.168.0.50'],
    ['dns', '192.168.0.253'],
    ['restrict', true],
    ['guestfwd', `tcp:${SHARES_ADDRESS}:${SMB_PORT}-cmd:${quoteCommand(smbdCommand)}`],
    ['hostfwd', `tcp:127.0.0.1:${sshPort}-${GUEST_ADDRESS}:${SSH_PORT}`],
  ]);
}
