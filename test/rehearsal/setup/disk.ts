import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

// Runs in the guest: what the counterfeit Setup does to the machine.

/** The medium that Linux runs from; see `medium.ts`. */
const REHEARSAL = '/cd/rehearsal';

const DISK = '/dev/sda';

/** A medium as Windows sees it. */
export interface MountedMedium {
  /** `A` for the floppy; the CDs follow the disk, C, in the order of their ports. */
  readonly letter: string;
  readonly path: string;
  readonly isFloppy: boolean;
  readonly isReadOnly: boolean;
  /** Whether it is the medium of Windows. */
  readonly isSetupMedium: boolean;
}

export interface DiskPartition {
  readonly type: 'Primary' | 'EFI' | 'MSR';
  /** Undefined: the rest of the disk. */
  readonly sizeMB?: number;
  readonly isActive: boolean;
  readonly format?: 'NTFS' | 'FAT32';
  readonly label?: string;
  /** Type of the partition if it is not the usual one: a GUID, or two hexadecimal digits. */
  readonly typeId?: string;
}

export interface PartitionTable {
  readonly kind: 'mbr' | 'gpt';
  readonly partitions: readonly DiskPartition[];
}

function run(program: string, args: readonly string[], input = ''): string {
  return execFileSync(program, args, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Mounts the CDs and the floppy. */
export function mountMedia(): MountedMedium[] {
  const drives = readdirSync('/sys/block');
  const port = (name: string): string => realpathSync(`/sys/block/${name}`);
  const cds = drives
    .filter((name) => name.startsWith('sr'))
    .sort((a, b) => port(a).localeCompare(port(b), 'en', { numeric: true }));
  const media = [
    ...drives.filter((name) => name === 'fd0').map((name) => ({ name, letter: 'A', isFloppy: true })),
    ...cds.map((name, i) => ({ name, letter: String.fromCodePoint(0x44 + i), isFloppy: false })),
  ];
  return media.flatMap(({ name, letter, isFloppy }) => {
    const path = `/media/${letter}`;
    mkdirSync(path, { recursive: true });
    // Windows prefers UDF, and reads Joliet but no Rock Ridge.
    const ways = isFloppy
      ? [['vfat', 'ro']]
      : [
          ['udf', 'ro'],
          ['iso9660', 'ro,norock'],
        ];
    if (!ways.some(([type = '', options = '']) => isMounted(`/dev/${name}`, path, type, options))) return [];
    return [{ letter, path, isFloppy, isReadOnly: !isFloppy, isSetupMedium: existsSync(join(path, 'rehearsal')) }];
  });
}

function isMounted(device: string, path: string, type: string, options: string): boolean {
  try {
    run('mount', ['-t', type, '-o', options, device, path]);
    return true;
  } catch {
    return false;
  }
}

/** Returns the firmware that has started this machine. */
export function firmware(): 'bios' | 'uefi' {
  return existsSync('/sys/firmware/efi') ? 'uefi' : 'bios';
}

/** Returns the size of the disk in MB of 1024 * 1024 bytes. */
export function diskSizeMB(): number {
  return Math.floor(Number(readFileSync('/sys/block/sda/size', 'utf8')) / 2048);
}

/** Returns whether the disk has neither a partition table nor boot code. */
export function isBlank(): boolean {
  return onDisk((file) => {
    const start = Buffer.alloc(64 * 1024);
    readSync(file, start, 0, start.length, 0);
    return start.every((byte) => byte === 0);
  });
}

/** Types of partitions: in a GPT, and in an MBR. */
const TYPES = {
  Primary: ['EBD0A0A2-B9E5-4433-87C0-68B6B72699C7', '07'],
  EFI: ['C12A7328-F81F-11D2-BA4B-00A0C93EC93B', 'ef'],
  MSR: ['E3C9E316-0B5C-4DB8-817D-F92DF00215AE', undefined],
} as const;

/** Writes a partition table to the disk and formats its partitions. */
export function partitionDisk({ kind, partitions }: PartitionTable): void {
  const lines = partitions.map(({ type, typeId, sizeMB, isActive }) => {
    const id = typeId ?? TYPES[type][kind === 'gpt' ? 0 : 1];
    if (id === undefined) throw new Error(`no partition of type ${type} in an MBR`);
    return [
      `type=${id}`,
      ...(sizeMB === undefined ? [] : [`size=${sizeMB}MiB`]),
      ...(isActive ? ['bootable'] : []),
    ].join(', ');
  });
  run(
    'sfdisk',
    ['--quiet', '--wipe', 'always', DISK],
    `label: ${kind === 'gpt' ? 'gpt' : 'dos'}\n${lines.join('\n')}\n`,
  );
  partitions.forEach(({ format, label = '' }, i) => {
    const partition = `${DISK}${i + 1}`;
    if (format === 'FAT32') run('mkfs.vfat', ['-F', '32', '-n', label.toUpperCase(), partition]);
    if (format === 'NTFS') run('mkntfs', ['--quick', '--quiet', '--label', label, partition]);
  });
}

const MOUNT = '/target';

/** Mounts a partition while `work` writes to it. */
function within(number: number, type: 'vfat' | 'ntfs', work: (directory: string) => void): void {
  mkdirSync(MOUNT, { recursive: true });
  if (type === 'vfat') run('mount', ['-t', type, `${DISK}${number}`, MOUNT]);
  else run('ntfs-3g', [`${DISK}${number}`, MOUNT]);
  try {
    work(MOUNT);
  } finally {
    run('umount', [MOUNT]);
  }
}

/** Writes files to a partition with NTFS. */
export function writeWindowsFiles(partition: number, files: ReadonlyMap<string, Uint8Array>): void {
  within(partition, 'ntfs', (directory) => {
    for (const [path, content] of files) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), content);
    }
  });
}

const LINUX = ['vmlinuz', 'initrd'];

/** Writes what the firmware starts from the disk from now on: the same Linux, with `setup.from=disk`. */
export function writeBoot({ partitions }: PartitionTable): void {
  const words = readFileSync(join(REHEARSAL, 'cmdline'), 'latin1').replace('setup.from=cd', 'setup.from=disk');
  if (firmware() === 'uefi') {
    writeEfi(partitions.findIndex(({ type }) => type === 'EFI') + 1, words);
  } else {
    writeMbr(partitions.findIndex(({ isActive }) => isActive) + 1, words);
  }
}

function writeEfi(partition: number, words: string): void {
  within(partition, 'vfat', (directory) => {
    for (const path of ['EFI/Microsoft/Boot/bootmgfw.efi', 'EFI/BOOT/BOOTX64.EFI']) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      copyFileSync(join(REHEARSAL, 'disk.efi'), join(directory, path));
    }
    mkdirSync(join(directory, 'linux'));
    for (const name of LINUX) copyFileSync(join(REHEARSAL, name), join(directory, 'linux', name));
    writeFileSync(join(directory, 'linux/cmdline'), words, 'latin1');
  });
  if (!existsSync('/sys/firmware/efi/efivars/OsIndications'))
    run('mount', ['-t', 'efivarfs', 'efivarfs', '/sys/firmware/efi/efivars']);
  const loader = String.raw`\EFI\Microsoft\Boot\bootmgfw.efi`;
  const entry = ['--label', 'Windows Boot Manager', '--loader', loader];
  run('efibootmgr', ['--quiet', '--create', '--disk', DISK, '--part', String(partition), ...entry]);
}

function writeMbr(partition: number, words: string): void {
  within(partition, 'ntfs', (directory) => {
    const [append = ''] = words.split(' initrd=');
    mkdirSync(join(directory, 'linux'));
    writeFileSync(
      join(directory, 'linux/extlinux.conf'),
      `DEFAULT linux\nPROMPT 0\nLABEL linux\nKERNEL vmlinuz\nINITRD initrd\nAPPEND ${append}\n`,
    );
    run('extlinux', ['--install', join(directory, 'linux')]);
  });
  // Writing large files takes the mounted file system many seconds on a busy computer.
  for (const name of LINUX) run('ntfscp', ['--quiet', `${DISK}${partition}`, join(REHEARSAL, name), `linux/${name}`]);
  onDisk((file) => writeSync(file, readFileSync(join(REHEARSAL, 'mbr.bin')), 0, 440, 0));
}

/** Where the state lies: behind the partition table, before the first partition. */
const STATE = { startByte: 512 * 1024, sizeBytes: 256 * 1024 } as const;

/** Returns the text of `writeState`; undefined if there is none. */
export function readState(): string | undefined {
  return onDisk((file) => {
    const bytes = Buffer.alloc(STATE.sizeBytes);
    readSync(file, bytes, 0, bytes.length, STATE.startByte);
    const end = bytes.indexOf(0);
    return end === 0 ? undefined : bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
  });
}

/** Keeps a text on the disk over restarts. */
export function writeState(text: string): void {
  const bytes = Buffer.alloc(STATE.sizeBytes);
  if (Buffer.byteLength(text) >= bytes.length) throw new Error('the state is too long');
  bytes.write(text);
  onDisk((file) => writeSync(file, bytes, 0, bytes.length, STATE.startByte));
}

function onDisk<T>(work: (file: number) => T): T {
  const file = openSync(DISK, 'r+');
  try {
    const result = work(file);
    fsyncSync(file);
    return result;
  } finally {
    closeSync(file);
  }
}

/** Resets the machine. */
export function restart(): never {
  run('sync', []);
  run('reboot', ['-f']);
  throw new Error('the machine has not restarted');
}

/** Powers the machine off. */
export function powerOff(): never {
  run('sync', []);
  run('poweroff', ['-f']);
  throw new Error('the machine has not powered off');
}
