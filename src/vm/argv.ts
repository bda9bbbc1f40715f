import { checkSpec } from './argv/check.ts';
import { driveArguments } from './argv/drives.ts';
import { flashArguments, tpmArguments } from './argv/firmware.ts';
import { nicArguments } from './argv/nics.ts';
import { slotOf } from './argv/slots.ts';
import { optionValue } from './argv/option-value.ts';
import { isAtLeast } from './base/host.ts';
import type { Qemu } from './base/host.ts';
import { socketPath } from './base/layout.ts';
import type { MachineFiles } from './base/layout.ts';
import type { MachineSpec, MemorySpec } from './base/spec.ts';
import { VmError } from './base/vm-error.ts';

/** First QEMU version whose `memory-backend-file` can map a read-only file. */
const READ_ONLY_RAM_SINCE = '8.2';

const MACHINE_TYPES = { pc: /^pc-i440fx-\d+\.\d+$/, q35: /^pc-q35-\d+\.\d+$/ } as const;

/** Returns the command line, program first, of a machine with the files of `filesOf`. Pure and deterministic. Every
 *  device has an id and an address, there is no human monitor, and the user's arguments come last. Throws VmError
 *  for an invalid spec and for features that this QEMU lacks. */
export function argvOf(spec: MachineSpec, qemu: Qemu, files: MachineFiles): string[] {
  checkSpec(spec);
  return [
    qemu.binary,
    '-name',
    optionValue('', [['guest', spec.name]]),
    '-nodefaults',
    '-no-user-config',
    '-machine',
    optionValue(machineTypeOf(spec, qemu), [
      ['memory-backend', 'ram0'],
      ['hpet', spec.disabled?.includes('hpet') === true ? false : undefined],
      ['vmport', spec.disabled?.includes('vmport') === true ? false : undefined],
      ['graphics', spec.firmware.kind === 'bios' && spec.firmware.hasConsole === true ? false : undefined],
    ]),
    ...suspendArguments(spec),
    '-accel',
    acceleratorOf(spec, qemu),
    '-cpu',
    spec.cpu,
    '-smp',
    optionValue('', [
      ['cpus', spec.cpus],
      ['sockets', 1],
      ['cores', spec.cpus],
      ['threads', 1],
    ]),
    '-m',
    optionValue('', [['size', `${spec.memory.sizeMiB}M`]]),
    '-object',
    memoryObject(spec.memory, qemu),
    '-rtc',
    optionValue('', [
      ['base', spec.clock.base],
      ['clock', spec.clock.runsBy],
    ]),
    ...bootArguments(spec),
    ...(spec.onReset === 'exit' ? ['-no-reboot'] : []),
    ...startArguments(spec),
    '-chardev',
    optionValue('socket', [
      ['id', 'qmp0'],
      ['path', socketPath(files.qmp)],
      ['server', true],
      ['wait', false],
    ]),
    '-mon',
    optionValue('', [
      ['chardev', 'qmp0'],
      ['mode', 'control'],
    ]),
    '-chardev',
    // QEMU's stdout is a socket that holds 278 single bytes: when it is full, firmware drops text.
    optionValue('file', [
      ['id', 'serial0'],
      ['path', files.consoleLog],
      ['append', true],
    ]),
    '-device',
    optionValue('isa-serial', [
      ['id', 'com1'],
      ['index', 0],
      ['chardev', 'serial0'],
    ]),
    ...(spec.hasPanicDevice ? ['-device', optionValue('pvpanic', [['id', 'panic0']])] : []),
    ...graphicsArguments(spec, files),
    ...pointerArguments(spec),
    ...flashArguments(spec),
    ...tpmArguments(spec, files),
    ...driveArguments(spec, files),
    ...nicArguments(spec),
    ...shareArguments(spec),
    ...spec.extraArguments,
  ];
}

/** Returns the versioned machine type, such as `pc-i440fx-7.2`. Throws VmError if this QEMU does not have it. */
export function machineTypeOf(
  { family, machineType }: Pick<MachineSpec, 'family' | 'machineType'>,
  qemu: Qemu,
): string {
  if (machineType !== undefined) {
    if (qemu.machineTypes.includes(machineType)) return machineType;
    throw new VmError(`QEMU ${qemu.version} has no machine type \`${machineType}\``, {
      hint: 'use the QEMU that the memory image was made with',
    });
  }
  const [newest] = qemu.machineTypes
    .filter((type) => MACHINE_TYPES[family].test(type))
    .sort((a, b) => (isAtLeast(a, b) ? -1 : 1));
  if (newest === undefined) throw new VmError(`QEMU ${qemu.version} has no machine of family \`${family}\``);
  return newest;
}

/** Returns the accelerator of the spec, or the fastest one that works. Throws VmError if none works. */
export function acceleratorOf({ accelerator }: Pick<MachineSpec, 'accelerator'>, qemu: Qemu): string {
  if (accelerator !== undefined) return accelerator;
  const working = qemu.accelerators.find(({ works }) => works);
  if (working !== undefined) return working.name;
  const why = qemu.accelerators.map(({ name, why: text = '' }) => `${name}: ${text}`).join('; ');
  throw new VmError(`QEMU ${qemu.version} cannot run guests on this computer (${why})`);
}

function suspendArguments({ family, disabled = [] }: MachineSpec): string[] {
  if (!disabled.includes('suspend')) return [];
  const bridge = family === 'pc' ? 'PIIX4_PM' : 'ICH9-LPC';
  return ['disable_s3', 'disable_s4'].flatMap((property) => ['-global', `${bridge}.${property}=1`]);
}

function memoryObject({ sizeMiB, backing }: MemorySpec, qemu: Qemu): string {
  const common = [
    ['id', 'ram0'],
    ['size', `${sizeMiB}M`],
  ] as const;
  if (backing.kind === 'private') return optionValue('memory-backend-ram', common);
  // A copy-on-write mapping needs no write permission, but only newer versions of QEMU use that.
  const isReadOnly = !backing.isShared && isAtLeast(qemu.version, READ_ONLY_RAM_SINCE);
  return optionValue('memory-backend-file', [
    ...common,
    ['mem-path', backing.path],
    ['share', backing.isShared],
    ...(isReadOnly
      ? ([
          ['readonly', true],
          ['rom', false],
        ] as const)
      : []),
  ]);
}

function bootArguments({ boot }: MachineSpec): string[] {
  switch (boot.kind) {
    case 'disk':
      return [
        '-boot',
        optionValue('', [
          ['order', 'c'],
          ['menu', boot.hasMenu === true],
        ]),
      ];
    case 'disk-then-cdrom':
      // The devices have boot indexes.
      return ['-boot', optionValue('', [['menu', false]])];
    case 'kernel':
      return [
        '-kernel',
        boot.kernel,
        ...(boot.initrd === undefined ? [] : ['-initrd', boot.initrd]),
        '-append',
        boot.append,
      ];
    default:
      return boot satisfies never;
  }
}

function startArguments({ start }: MachineSpec): string[] {
  switch (start) {
    case 'running':
      return [];
    case 'paused':
      return ['-S'];
    case 'incoming':
      return ['-S', '-incoming', 'defer'];
    default:
      return start satisfies never;
  }
}

function graphicsArguments({ family, graphics }: MachineSpec, { vnc }: MachineFiles): string[] {
  if (graphics.kind === 'none') return ['-display', 'none'];
  const bus = family === 'pc' ? 'pci.0' : 'pcie.0';
  return [
    '-vnc',
    // A client cannot disconnect the others.
    `unix:${optionValue(socketPath(vnc), [['share', 'force-shared']])}`,
    '-device',
    optionValue('VGA', [
      ['id', 'vga0'],
      ['bus', bus],
      ['addr', slotOf('vga')],
    ]),
  ];
}

function pointerArguments({ family, pointer }: MachineSpec): string[] {
  if (pointer === 'ps2') return [];
  const controller =
    family === 'pc'
      ? optionValue('piix3-usb-uhci', [
          ['id', 'usb0'],
          ['bus', 'pci.0'],
          ['addr', '0x1.0x2'],
        ])
      : optionValue('qemu-xhci', [
          ['id', 'usb0'],
          ['bus', 'pcie.0'],
          ['addr', slotOf('xhci')],
        ]);
  return [
    '-device',
    controller,
    '-device',
    optionValue('usb-tablet', [
      ['id', 'tablet0'],
      ['bus', 'usb0.0'],
      ['port', 1],
    ]),
  ];
}

function shareArguments({ family, shares }: MachineSpec): string[] {
  return shares.flatMap(({ id, tag, path, isReadonly }, i) => [
    '-fsdev',
    optionValue('local', [
      ['id', `fs-${id}`],
      ['path', path],
      ['security_model', 'none'],
      ['readonly', isReadonly ? true : undefined],
      ['multidevs', 'remap'],
    ]),
    '-device',
    optionValue('virtio-9p-pci', [
      ['id', id],
      ['bus', family === 'pc' ? 'pci.0' : 'pcie.0'],
      ['addr', slotOf('share', i)],
      ['fsdev', `fs-${id}`],
      ['mount_tag', tag],
    ]),
  ]);
}
