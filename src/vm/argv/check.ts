import type { DiskSpec, MachineSpec } from '../spec.ts';
import { VmError } from '../vm-error.ts';
import { SLOTS } from './slots.ts';

/** Throws VmError for a machine that cannot be: names that clash or that QEMU does not take, more devices than there are places,
 *  paths that are not absolute. */
export function checkSpec(spec: MachineSpec): void {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(spec.name))
    refuse(`the name of a machine has letters, digits, \`-\`, \`_\` and \`.\` only: \`${spec.name}\``);
  positive('memory', spec.memory.sizeMiB);
  positive('the number of CPUs', spec.cpus);
  checkIds(spec);
  checkPlaces(spec);
  for (const { source, bus, id } of spec.disks) {
    if (source.kind === 'empty') positive(`the size of disk \`${id}\``, source.sizeMiB);
    else if (source.writes === 'read-only' && bus !== 'virtio')
      refuse(`disk \`${id}\` cannot be read-only on ${bus.toUpperCase()}`);
  }
  for (const { mac, id, link } of spec.nics) {
    if (!/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(mac))
      refuse(`not the address of one network card: \`${mac}\` (\`${id}\`)`);
    if (link.kind === 'direct' && link.smbdCommand.length === 0)
      refuse(`network card \`${id}\` has no command for its shares`);
  }
  if (spec.nics.filter(({ link }) => link.kind === 'direct').length > 1)
    refuse('one network card alone can have link `direct`');
  for (const path of pathsOf(spec)) {
    if (!path.startsWith('/') || path.includes('\0')) refuse(`not an absolute path: \`${path}\``);
  }
  if (spec.boot.kind === 'cdrom-once' && spec.cdroms.length === 0) refuse('there is no CD to boot from');
}

function refuse(message: string): never {
  throw new VmError(message);
}

function positive(what: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) refuse(`${what} must be a whole number above 0: ${value}`);
}

function checkIds({ disks, cdroms, floppies, nics, shares }: MachineSpec): void {
  const ids = [disks, cdroms, floppies, nics, shares].flatMap((devices) => devices.map(({ id }) => id));
  for (const id of ids)
    if (!/^[A-Za-z][\w.-]*$/.test(id))
      refuse(`the id of a device begins with a letter, and has letters, digits, \`-\`, \`_\` and \`.\`: \`${id}\``);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) refuse(`two devices have the id \`${twice}\``);
  const tags = shares.map(({ tag }) => tag);
  const tagTwice = tags.find((tag, i) => tags.indexOf(tag) !== i);
  if (tagTwice !== undefined) refuse(`two shares have the tag \`${tagTwice}\``);
}

function checkPlaces({ family, disks, cdroms, floppies, nics, shares }: MachineSpec): void {
  if (family === 'q35' && disks.some(({ bus }) => bus === 'ide')) refuse('a q35 machine has no IDE: use `ahci`');
  const on = (bus: DiskSpec['bus']): number => disks.filter((disk) => disk.bus === bus).length;
  const cdBus = family === 'pc' ? 'ide' : 'ahci';
  const cds = (bus: DiskSpec['bus']): number => (bus === cdBus ? cdroms.length : 0);
  const limits: [string, number, number][] = [
    ['disks and CDs on IDE', on('ide') + cds('ide'), 4],
    ['disks and CDs on AHCI', on('ahci') + cds('ahci'), 6],
    ['disks on virtio', on('virtio'), SLOTS.virtioDisk.count],
    ['floppies', floppies.length, 2],
    ['network cards', nics.length, SLOTS.nic.count],
    ['shares', shares.length, SLOTS.share.count],
  ];
  for (const [what, count, most] of limits) if (count > most) refuse(`too many ${what}: ${count}, ${most} fit`);
}

function pathsOf({ disks, cdroms, floppies, shares, boot, memory, graphics, nics }: MachineSpec): string[] {
  return [
    ...disks.flatMap(({ source }) => (source.kind === 'file' ? [source.path] : [])),
    ...[...cdroms, ...floppies, ...shares].map(({ path }) => path),
    ...(boot.kind === 'kernel' ? [boot.kernel, ...(boot.initrd === undefined ? [] : [boot.initrd])] : []),
    ...(memory.backing.kind === 'file' ? [memory.backing.path] : []),
    ...(graphics.kind === 'vnc' ? [graphics.path] : []),
    ...nics.flatMap(({ link }) => (link.kind === 'vde' ? [link.directory] : link.kind === 'stream' ? [link.path] : [])),
  ];
}
