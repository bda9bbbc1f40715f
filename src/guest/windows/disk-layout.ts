import type { FirmwareKind } from '../../vm/base/spec.ts';
import type { WindowsAnswers } from './options.ts';
import type { Elements } from './xml.ts';

interface Partition {
  readonly type: 'Primary' | 'EFI' | 'MSR';
  /** In MB; undefined: the rest of the disk. */
  readonly sizeMB?: number;
  /** A reserved partition has none. */
  readonly format?: 'NTFS' | 'FAT32';
  readonly label?: string;
  readonly letter?: string;
  /** BIOS starts from this one. */
  readonly isActive?: boolean;
}

/** The partitions of a blank disk. Source: layouts that several working sets of answers share. */
const LAYOUTS: Readonly<Record<FirmwareKind, readonly Partition[]>> = {
  bios: [
    { type: 'Primary', sizeMB: 500, format: 'NTFS', label: 'System', isActive: true },
    { type: 'Primary', format: 'NTFS', label: 'Windows', letter: 'C' },
  ],
  uefi: [
    { type: 'EFI', sizeMB: 260, format: 'FAT32', label: 'System' },
    { type: 'MSR', sizeMB: 16 },
    { type: 'Primary', format: 'NTFS', label: 'Windows', letter: 'C' },
  ],
};

/** Returns the number of the partition that Windows is installed to, from 1. */
export function systemPartition(firmware: FirmwareKind): number {
  return LAYOUTS[firmware].length;
}

/** Returns the element `Disk` of `DiskConfiguration`: wipes the disk and partitions it. */
export function diskConfiguration({ firmware }: WindowsAnswers): readonly Elements[] {
  const layout = LAYOUTS[firmware];
  return [
    {
      DiskID: '0',
      WillWipeDisk: 'true',
      CreatePartitions: {
        CreatePartition: layout.map(({ type, sizeMB }, i) => ({
          Order: String(i + 1),
          Type: type,
          ...(sizeMB === undefined ? { Extend: 'true' } : { Size: String(sizeMB) }),
        })),
      },
      ModifyPartitions: {
        ModifyPartition: layout.map(({ format, label, letter, isActive }, i) => ({
          Order: String(i + 1),
          PartitionID: String(i + 1),
          ...(format !== undefined && { Format: format }),
          ...(label !== undefined && { Label: label }),
          ...(letter !== undefined && { Letter: letter }),
          ...(isActive === true && { Active: 'true' }),
        })),
      },
    },
  ];
}
