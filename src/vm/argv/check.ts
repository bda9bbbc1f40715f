import { CygstrapError } from '../../errors.ts';
import type { DiskSpec, MachineSpec } from '../base/spec.ts';
import { VmError } from '../base/vm-error.ts';
import { SLOTS } from './slots.ts';

/** Checks a spec. Throws `usage` for more devices than there are slots, and VmError for invalid or duplicate names and
 *  for paths that are not absolute. */
export function checkSpec(spec: MachineSpec): void {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(spec.name))
    refuse(`invalid machine name, use letters, digits, \`-\`, \`_\` and \`.\`: \`${spec.name}\``);
  positive('memory', spec.memory.sizeMiB);
  positive('the number of CPUs', spec.cpus);
  checkIds(spec);
  checkCounts(spec);
  for (const { source, bus, id } of spec.disks) {
    if (source.kind === 'empty') positive(`the size of disk \`${id}\``, source.sizeMiB);
    else if (source.writes === 'read-only' && bus !== 'virtio')
      refuse(`disk \`${id}\` cannot be read-only on ${bus.toUpperCase()}`);
  }
  for (const { mac, id, link } of spec.nics) {
    if (!/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(mac))
      refuse(`invalid unicast MAC address of network card \`${id}\`: \`${mac}\``);
    if (link.kind === 'direct' && link.smbdCommand.length === 0)
      refuse(`network card \`${id}\` has no command for its shares`);
  }
  if (spec.nics.filter(({ link }) => link.kind === 'direct').length > 1)
    refuse('only one network card can have link `direct`');
  for (const path of pathsOf(spec)) {
    if (!path.startsWith('/') || path.includes('\0')) refuse(`not an absolute path: \`${path}\``);
  }
  if (spec.boot.kind === 'disk-then-cdrom' && spec.cdroms.length === 0) refuse('missing CD to boot from');
}

function refuse(message: string): never {
  throw new VmError(message);
}

function positive(what: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) refuse(`${what} must be a positive integer: ${value}`);
}

function checkIds({ disks, cdroms, floppies, nics, shares }: MachineSpec): void {
  const ids = [disks, cdroms, floppies, nics, shares].flatMap((devices) => devices.map(({ id }) => id));
  for (const id of ids)
    if (!/^[A-Za-z][\w.-]*$/.test(id))
      refuse(`invalid device id, use a letter, then letters, digits, \`-\`, \`_\` and \`.\`: \`${id}\``);
  const duplicate = ids.find((id, i) => ids.indexOf(id) !== i);
  if (duplicate !== undefined) refuse(`duplicate device id: \`${duplicate}\``);
  const tags = shares.map(({ tag }) => tag);
  const duplicateTag = tags.find((tag, i) => tags.indexOf(tag) !== i);
  if (duplicateTag !== undefined) refuse(`duplicate share tag: \`${duplicateTag}\``);
}

function checkCounts({ family, disks, cdroms, floppies, nics, shares }: MachineSpec): void {
  if (family === 'q35' && disks.some(({ bus }) => bus === 'ide')) refuse('a q35 machine has no IDE bus; use `ahci`');
  const on = (bus: DiskSpec['bus']): number => disks.filter((disk) => disk.bus === bus).length;
  const cdBus = family === 'pc' ? 'ide' : 'ahci';
  const cds = (bus: DiskSpec['bus']): number => (bus === cdBus ? cdroms.length : 0);
  const limits: [what: string, count: number, max: number, option?: string][] = [
    ['disks and CDs on IDE', on('ide') + cds('ide'), 4, '--empty-disk'],
    ['disks and CDs on AHCI', on('ahci') + cds('ahci'), 6, '--empty-disk'],
    ['disks on virtio', on('virtio'), SLOTS.virtioDisk.count, '--empty-disk'],
    ['floppies', floppies.length, 2],
    ['network cards', nics.length, SLOTS.nic.count],
    ['shares', shares.length, SLOTS.share.count, '--share'],
  ];
  for (const [what, count, max, option] of limits)
    if (count > max)
      throw new CygstrapError('usage', `too many ${what}: ${count}, at most ${max}`, {
        ...(option !== undefined && { hint: `give fewer \`${option}\`` }),
      });
}

function pathsOf({ firmware, tpm, disks, cdroms, floppies, shares, boot, memory, nics }: MachineSpec): string[] {
  return [
    ...(firmware.kind === 'uefi' ? [firmware.code.path, firmware.vars] : []),
    ...(tpm === undefined ? [] : [tpm.stateDirectory]),
    ...disks.flatMap(({ source }) => (source.kind === 'file' ? [source.path] : [])),
    ...[...cdroms, ...floppies, ...shares].map(({ path }) => path),
    ...(boot.kind === 'kernel' ? [boot.kernel, ...(boot.initrd === undefined ? [] : [boot.initrd])] : []),
    ...(memory.backing.kind === 'file' ? [memory.backing.path] : []),
    ...nics.flatMap(({ link }) => (link.kind === 'vde' ? [link.directory] : link.kind === 'stream' ? [link.path] : [])),
  ];
}
