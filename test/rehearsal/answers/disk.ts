import { badValue } from './stops.ts';
import type { Settings } from './tree.ts';

/** A partition that Setup makes. */
export interface Partition {
  /** From 1, in the order of the disk. */
  readonly number: number;
  readonly type: 'Primary' | 'EFI' | 'MSR';
  readonly sizeMB: number;
  readonly format: 'NTFS' | 'FAT32' | undefined;
  readonly label: string | undefined;
  readonly letter: string | undefined;
  /** BIOS starts from this one. */
  readonly isActive: boolean;
  /** Type in the table, if the answers name one. */
  readonly typeId: string | undefined;
}

/** What Setup does with the disk. */
export interface DiskPlan {
  readonly table: 'mbr' | 'gpt';
  readonly partitions: readonly Partition[];
  /** Number of the partition that Windows is installed to. */
  readonly windowsPartition: number;
}

/** First and last MB of a disk belong to its table. */
const TABLE_MB = 2;

const fault = (what: string): Error => badValue('windowsPE', 'Microsoft-Windows-Setup', what);
const wrongTable = (what: string): Error => fault(`Windows cannot be installed to this disk. ${what}`);

/** Returns what Setup does with the only disk, of `diskMB` MB. Throws {@link SetupStops} for a layout that this
 *  firmware does not start, or that the disk has no room for. */
export function planDisk(setup: Settings, firmware: 'bios' | 'uefi', diskMB: number): DiskPlan {
  const disks = setup.items('DiskConfiguration/Disk');
  const [disk] = disks;
  if (disk === undefined) throw fault('DiskConfiguration has no Disk');
  if (disks.length > 1 || disk.text('DiskID') !== '0') throw fault('Disk: the computer has disk 0 only');
  const partitions = sized(created(disk), diskMB).map((partition, i) => modified(partition, i + 1, disk));
  for (const item of disk.items('ModifyPartitions/ModifyPartition')) {
    const id = number(item, 'PartitionID');
    if (!partitions.some((each) => each.number === id)) throw fault(`ModifyPartition: no partition ${id}`);
  }
  const windowsPartition = target(setup, partitions);
  if (firmware === 'uefi') checkGpt(partitions);
  else checkMbr(partitions, windowsPartition);
  return { table: firmware === 'uefi' ? 'gpt' : 'mbr', partitions, windowsPartition };
}

interface Created {
  readonly type: Partition['type'];
  /** Undefined: the rest of the disk. */
  readonly sizeMB: number | undefined;
}

function created(disk: Settings): Created[] {
  const items = disk.items('CreatePartitions/CreatePartition');
  checkOrders('CreatePartition', items);
  return items.map((item) => {
    const type = item.text('Type');
    const size = item.text('Size');
    const isExtended = item.text('Extend') === 'true';
    if (type !== 'Primary' && type !== 'EFI' && type !== 'MSR') throw fault(`CreatePartition: type ${type}`);
    if ((size !== undefined) === isExtended) throw fault('CreatePartition: Size or Extend, one of them');
    if (size === '0') throw fault('CreatePartition: Size is 0');
    return { type, sizeMB: size === undefined ? undefined : Number(size) };
  });
}

function sized(items: readonly Created[], diskMB: number): { type: Partition['type']; sizeMB: number }[] {
  const free = diskMB - TABLE_MB - items.reduce((sum, { sizeMB }) => sum + (sizeMB ?? 0), 0);
  if (items.length === 0) throw fault('CreatePartitions: no partition');
  const isRestLast = items.slice(0, -1).every(({ sizeMB }) => sizeMB !== undefined);
  if (!isRestLast) throw fault('CreatePartition: no room after a partition with Extend');
  if (free < (items.at(-1)?.sizeMB === undefined ? 1 : 0)) throw fault(`CreatePartition: the disk has ${diskMB} MB`);
  return items.map(({ type, sizeMB }) => ({ type, sizeMB: sizeMB ?? free }));
}

function modified(made: Pick<Partition, 'type' | 'sizeMB'>, id: number, disk: Settings): Partition {
  const all = disk.items('ModifyPartitions/ModifyPartition');
  checkOrders('ModifyPartition', all);
  const items = all.filter((each) => number(each, 'PartitionID') === id);
  if (items.length > 1) throw fault(`ModifyPartition: partition ${id} twice`);
  const [item] = items;
  const letter = item?.text('Letter');
  if (letter !== undefined && !/^[C-WYZ]$/.test(letter)) throw fault(`ModifyPartition: letter ${letter}`);
  return {
    ...made,
    number: id,
    format: item?.text('Format') as Partition['format'],
    label: item?.text('Label'),
    letter,
    isActive: item?.text('Active') === 'true',
    typeId: item?.text('TypeID'),
  };
}

function target(setup: Settings, partitions: readonly Partition[]): number {
  const disk = setup.text('ImageInstall/OSImage/InstallTo/DiskID');
  const id = Number(setup.text('ImageInstall/OSImage/InstallTo/PartitionID'));
  const isAny = setup.text('ImageInstall/OSImage/InstallToAvailablePartition') === 'true';
  if (disk === undefined && isAny) return partitions.at(-1)?.number ?? 0;
  const partition = partitions.find((each) => each.number === id);
  if (disk !== '0' || partition === undefined) throw fault('InstallTo: this partition does not exist');
  const isUsable = partition.type === 'Primary' && partition.format === 'NTFS';
  if (!isUsable) throw fault(`InstallTo: Windows cannot be installed to partition ${id}`);
  return id;
}

/** UEFI starts from a partition of type EFI; Windows wants a reserved one beside it. */
function checkGpt(partitions: readonly Partition[]): void {
  const of = (type: Partition['type']): Partition[] => partitions.filter((each) => each.type === type);
  const [efi] = of('EFI');
  const [reserved] = of('MSR');
  if (efi === undefined || of('EFI').length > 1) throw wrongTable('A disk for UEFI has one EFI partition');
  if (efi.format !== 'FAT32' || efi.sizeMB < 100) throw fault('the EFI partition has FAT32 and 100 MB or more');
  if (reserved === undefined || of('MSR').length > 1) throw wrongTable('A disk for UEFI has one MSR partition');
  if (reserved.format !== undefined) throw fault('ModifyPartition: an MSR partition has no Format');
  if (partitions.some(({ isActive }) => isActive)) throw fault('ModifyPartition: Active is for MBR only');
}

/** BIOS starts from the active partition; Setup itself sets the mark on a disk with one partition. */
function checkMbr(partitions: readonly Partition[], windowsPartition: number): void {
  if (partitions.some(({ type }) => type !== 'Primary'))
    throw wrongTable('The disk has a GPT layout, and the computer starts by BIOS');
  if (partitions.length > 4) throw fault('CreatePartition: an MBR has 4 partitions');
  const active = partitions.filter(({ isActive }) => isActive);
  if (active.length > 1) throw fault('ModifyPartition: more than one partition is Active');
  if (active.length === 0 && (partitions.length > 1 || windowsPartition !== 1))
    throw fault('ModifyPartition: no partition is Active');
  if (active.some(({ format }) => format !== 'NTFS'))
    throw fault('ModifyPartition: the Active partition has no Format');
}

/** Checks that the items are numbered, each with its own number. */
export function checkOrders(name: string, items: readonly Settings[]): void {
  const orders = items.map((item) => number(item, 'Order'));
  if (new Set(orders).size < orders.length) throw fault(`${name}: the same Order twice`);
  if (orders.some((order, i) => order < (orders[i - 1] ?? 1))) throw fault(`${name}: not in its Order`);
}

function number(item: Settings, name: string): number {
  const text = item.text(name);
  if (text === undefined) throw fault(`${name} is missing`);
  return Number(text);
}
