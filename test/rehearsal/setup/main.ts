import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAnswerFile, planOobe } from '../answers.ts';
import type { DiskPlan, Drive } from '../answers.ts';
import * as disk from './disk.ts';
import type { MountedMedium } from './disk.ts';
import { playProgram, stopWindows, writeLinux } from './installed.ts';
import type { Windows } from './installed.ts';
import { start } from './phases.ts';
import { factsOf } from './programs.ts';
import { Registry } from './registry.ts';
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
  const variant = variantOf(setup.path);
  const medium = JSON.parse(readFileSync(join(setup.path, 'rehearsal/images.json'), 'utf8')) as Medium;
  const memoryKB = Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
  return {
    from: /\bsetup\.from=disk\b/.test(readFileSync('/proc/cmdline', 'utf8')) ? 'disk' : 'cd',
    variant,
    medium,
    drives: media.map((each) => driveOf(each)),
    read: (drive, file) => readFileSync(join(pathOf(drive), file)),
    computer: {
      firmware: disk.firmware(),
      diskMB: disk.diskSizeMB(),
      hasTpm: existsSync('/sys/class/tpm/tpm0') || existsSync('/sys/bus/acpi/devices/MSFT0101:00'),
      memoryMB: memoryKB / 1024,
    },
    program: (path, args) => playProgram(path, args, windowsOf(variant, medium)),
    screen: (line) => writeFileSync(SCREEN, `${line}\n`),
    com1: (line) => writeFileSync(COM1, `${line}\n`),
    prepareDisk,
    writeFiles: disk.writeWindowsFiles,
    readState: disk.readState,
    writeState: disk.writeState,
  };
}

function variantOf(setupMedium: string): Variant {
  const file = join(setupMedium, 'rehearsal/variant');
  return existsSync(file) ? (readFileSync(file, 'utf8').trim() as Variant) : 'plain';
}

/** Versions of SMB that Windows speaks at most; all others speak 3.1.1. */
const SMB: Readonly<Record<string, string>> = {
  'windows-xp': '1.0',
  'windows-2003': '1.0',
  'windows-7': '2.1',
  'windows-2008r2': '2.1',
  'windows-8.1': '3.0',
  'windows-2012r2': '3.0',
};

/** What {@link start} keeps on the disk, as far as it is needed here. */
interface KeptState {
  readonly windowsPartition: number;
  readonly answers: string;
  readonly kept?: { readonly registry: string };
}

function keptState(): KeptState | undefined {
  const text = disk.readState();
  return text === undefined ? undefined : (JSON.parse(text) as KeptState);
}

function windowsOf(variant: Variant, medium: Medium): Windows {
  const facts = new Map([['smb', SMB[medium.kind] ?? '3.1.1']]);
  const bytes = Buffer.from(keptState()?.answers ?? '', 'base64');
  const file = 'images' in medium ? parseAnswerFile(bytes) : undefined;
  if ('images' in medium && file !== undefined) facts.set('password', planOobe(file, medium).password);
  if (variant.includes('password-not-stored')) facts.set('no-lsa', '');
  return { arch: 'images' in medium && medium.arch === 'amd64' ? 'x86_64' : 'x86', variant, facts };
}

/** Puts onto the disk what the next start needs. */
function stop({ from }: World, end: 'restart' | 'power-off'): void {
  const state = keptState();
  if (state === undefined) return;
  if (from === 'cd') writeLinux(state.windowsPartition);
  stopWindows(state.kept === undefined ? new Map() : factsOf(Registry.parse(state.kept.registry)));
  if (end === 'power-off') disk.writeState(JSON.stringify({ isInstalled: true, ...state }));
}

// The cursor would blink on a screen on which nothing happens.
writeFileSync(SCREEN, '\u001b[2J\u001b[H\u001b[?25l');
const computer = world();
const end = start(computer);
if (end === 'wait') {
  setInterval(() => undefined, 1 << 30);
} else {
  stop(computer, end);
  if (end === 'restart') disk.restart();
  else disk.powerOff();
}
