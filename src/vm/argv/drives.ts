import { emptyDiskPath } from '../base/layout.ts';
import type { MachineFiles } from '../base/layout.ts';
import type { DiskSpec, MachineSpec, MediumSpec } from '../base/spec.ts';
import { slotOf } from './slots.ts';
import { optionValue } from './option-value.ts';
import type { Property } from './option-value.ts';

interface DriveSlot {
  readonly bus: string;
  readonly unit: number;
}

/** Returns the arguments for hard disks, CDs and floppies, and for the controllers they need. */
export function driveArguments(spec: MachineSpec, files: MachineFiles): string[] {
  const slots = driveSlots(spec);
  const bootsFromDisk = spec.boot.kind === 'disk' || spec.boot.kind === 'disk-then-cdrom';
  return [
    ...controllers(spec),
    ...spec.disks.flatMap((disk, i) => {
      const virtioIndex = spec.disks.slice(0, i).filter(({ bus }) => bus === 'virtio').length;
      return [
        ...diskDrive(disk, files),
        '-device',
        diskDevice(disk, {
          slot: slots.get(disk.id),
          virtioIndex,
          family: spec.family,
          bootIndex: bootsFromDisk && i === 0 ? 0 : undefined,
        }),
      ];
    }),
    ...spec.cdroms.flatMap((cd, i) => [
      ...mediumDrive(cd),
      '-device',
      slottedDevice('ide-cd', cd.id, slots.get(cd.id), [
        ['bootindex', spec.boot.kind === 'disk-then-cdrom' && i === 0 ? 1 : undefined],
      ]),
    ]),
    ...spec.floppies.flatMap((floppy, unit) => [
      ...mediumDrive(floppy),
      '-device',
      optionValue('floppy', [
        ['id', floppy.id],
        ['bus', spec.family === 'q35' ? 'fdc0.0' : 'floppy-bus.0'],
        ['unit', unit],
        ['drive', driveOf(floppy.id)],
        ['drive-type', 144],
      ]),
    ]),
  ];
}

function controllers({ family, disks, floppies }: MachineSpec): string[] {
  return [
    ...(family === 'pc' && disks.some(({ bus }) => bus === 'ahci')
      ? [
          '-device',
          optionValue('ich9-ahci', [
            ['id', 'ahci0'],
            ['bus', 'pci.0'],
            ['addr', slotOf('ahci')],
          ]),
        ]
      : []),
    ...(family === 'q35' && floppies.length > 0 ? ['-device', optionValue('isa-fdc', [['id', 'fdc0']])] : []),
  ];
}

/** Assigns each disk and CD a slot on IDE or AHCI: disks in order, then CDs. */
function driveSlots({ family, disks, cdroms }: MachineSpec): ReadonlyMap<string, DriveSlot> {
  const drives = [
    ...disks.map(({ id, bus }) => ({ id, bus })),
    ...cdroms.map(({ id }) => ({ id, bus: family === 'pc' ? ('ide' as const) : ('ahci' as const) })),
  ];
  const slots = new Map<string, DriveSlot>();
  drives
    .filter(({ bus }) => bus === 'ide')
    .forEach(({ id }, i) => slots.set(id, { bus: `ide.${i >> 1}`, unit: i & 1 }));
  drives
    .filter(({ bus }) => bus === 'ahci')
    .forEach(({ id }, i) => slots.set(id, { bus: `${family === 'q35' ? 'ide' : 'ahci0'}.${i}`, unit: 0 }));
  return slots;
}

function driveOf(id: string): string {
  return `drive-${id}`;
}

function drive(id: string, file: string, properties: readonly Property[]): string[] {
  return [
    '-drive',
    optionValue('', [
      ['if', 'none'],
      ['id', driveOf(id)],
      ['file.driver', 'file'],
      ['file.filename', file],
      ...properties,
    ]),
  ];
}

function diskDrive({ id, source }: DiskSpec, files: MachineFiles): string[] {
  if (source.kind === 'empty')
    return drive(id, emptyDiskPath(files, id), [
      ['format', 'raw'],
      ['cache', 'unsafe'],
      ['discard', 'unmap'],
    ]);
  const { path, format, writes } = source;
  return drive(id, path, [
    ['format', format],
    ['read-only', writes === 'read-only' ? true : undefined],
    ['snapshot', writes === 'throw-away' ? true : undefined],
    ['discard', writes === 'persistent' ? 'unmap' : undefined],
  ]);
}

function mediumDrive({ id, path }: MediumSpec): string[] {
  return drive(id, path, [
    ['format', 'raw'],
    ['read-only', true],
  ]);
}

interface DiskOptions {
  readonly slot: DriveSlot | undefined;
  readonly virtioIndex: number;
  readonly family: MachineSpec['family'];
  readonly bootIndex: number | undefined;
}

function diskDevice({ id, bus }: DiskSpec, { slot, virtioIndex, family, bootIndex }: DiskOptions): string {
  if (bus !== 'virtio') return slottedDevice('ide-hd', id, slot, [['bootindex', bootIndex]]);
  return optionValue('virtio-blk-pci', [
    ['id', id],
    ['bus', family === 'pc' ? 'pci.0' : 'pcie.0'],
    ['addr', slotOf('virtioDisk', virtioIndex)],
    ['drive', driveOf(id)],
    ['bootindex', bootIndex],
  ]);
}

function slottedDevice(
  device: string,
  id: string,
  slot: DriveSlot | undefined,
  properties: readonly Property[],
): string {
  return optionValue(device, [
    ['id', id],
    ['bus', slot?.bus],
    ['unit', slot?.unit],
    ['drive', driveOf(id)],
    ...properties,
  ]);
}
