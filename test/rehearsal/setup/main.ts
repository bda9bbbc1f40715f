import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DiskPlan, Drive } from '../answers.ts';
import * as disk from './disk.ts';
import type { MountedMedium } from './disk.ts';
import { cygwinProgram } from './cygwin.ts';
import { start } from './phases.ts';
import type { Medium, Variant, World } from './world.ts';

// The counterfeit Setup: node runs it in the guest. It ends by a restart, by a power off, or waits forever.

const SCREEN = '/dev/tty1';
const COM1 = '/dev/ttyS0';

/** Files of a medium by path. Of the medium of Windows only what can be an answer file: it is large. */
function filesOf(path: string, isSetupMedium: boolean): string[] {
  if (!isSetupMedium) return readdirSync(path, { encoding: 'utf8', recursive: true });
  const inRoot = readdirSync(path);
  const sources = inRoot.find((name) => name.toLowerCase() === 'sources');
  if (sources === undefined) return inRoot;
  return [...inRoot, ...readdirSync(join(path, sources)).map((name) => `${sources}/${name}`)];
}

function driveOf({ letter, path, isFloppy, isSetupMedium }: MountedMedium): Drive {
  return { letter, type: isFloppy ? 'floppy' : 'cdrom', isSetup: isSetupMedium, files: filesOf(path, isSetupMedium) };
}

function prepareDisk({ table, partitions }: DiskPlan): void {
  const layout: disk.PartitionTable = {
    kind: table,
    partitions: partitions.map(({ type, sizeMB, isActive, format, label, typeId }) => ({
      type,
      sizeMB,
      isActive: isActive || (table === 'mbr' && partitions.length === 1),
      ...(format !== undefined && { format }),
      ...(label !== undefined && { label }),
      ...(typeId !== undefined && { typeId }),
    })),
  };
  disk.partitionDisk(layout);
  disk.writeBoot(layout);
}

function world(): World {
  const media = disk.mountMedia();
  const setup = media.find(({ isSetupMedium }) => isSetupMedium);
  if (setup === undefined) throw new Error('there is no medium of Windows');
  const pathOf = ({ letter }: Drive): string => media.find((each) => each.letter === letter)?.path ?? '';
  const variant = join(setup.path, 'rehearsal/variant');
  const memoryKB = Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
  return {
    from: /\bsetup\.from=disk\b/.test(readFileSync('/proc/cmdline', 'utf8')) ? 'disk' : 'cd',
    variant: existsSync(variant) ? (readFileSync(variant, 'utf8').trim() as Variant) : 'plain',
    medium: JSON.parse(readFileSync(join(setup.path, 'rehearsal/images.json'), 'utf8')) as Medium,
    drives: media.map((each) => driveOf(each)),
    read: (drive, file) => readFileSync(join(pathOf(drive), file)),
    computer: {
      firmware: disk.firmware(),
      diskMB: disk.diskSizeMB(),
      hasTpm: existsSync('/sys/class/tpm/tpm0') || existsSync('/sys/bus/acpi/devices/MSFT0101:00'),
      memoryMB: memoryKB / 1024,
    },
    program: cygwinProgram,
    screen: (line) => writeFileSync(SCREEN, `${line}\n`),
    com1: (line) => writeFileSync(COM1, `${line}\n`),
    prepareDisk,
    writeFiles: disk.writeWindowsFiles,
    readState: disk.readState,
    writeState: disk.writeState,
  };
}

// The cursor would blink on a screen on which nothing happens.
writeFileSync(SCREEN, '\u001b[2J\u001b[H\u001b[?25l');
switch (start(world())) {
  case 'restart':
    disk.restart();
    break;
  case 'power-off':
    disk.powerOff();
    break;
  case 'wait':
    setInterval(() => undefined, 1 << 30);
}
