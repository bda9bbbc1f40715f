import { appendFileSync, readFileSync } from 'node:fs';
import { firmware, isBlank, mountMedia, partitionDisk, powerOff, readState, restart } from '../setup/disk.ts';
import { writeBoot, writeState, writeWindowsFiles } from '../setup/disk.ts';
import type { PartitionTable } from '../setup/disk.ts';

// Plays Setup in the tests of the boot code: prepares the disk, restarts twice, and powers off.

const TABLES: Readonly<Record<'bios' | 'uefi', PartitionTable>> = {
  uefi: {
    kind: 'gpt',
    partitions: [
      { type: 'EFI', sizeMB: 260, format: 'FAT32', label: 'System', isActive: false },
      { type: 'MSR', sizeMB: 16, isActive: false },
      { type: 'Primary', format: 'NTFS', label: 'Windows', isActive: false },
    ],
  },
  bios: {
    kind: 'mbr',
    partitions: [
      { type: 'Primary', sizeMB: 500, format: 'NTFS', label: 'System', isActive: true },
      { type: 'Primary', format: 'NTFS', label: 'Windows', isActive: false },
    ],
  },
};

const print = (text: string): void => appendFileSync('/dev/ttyS0', `stub: ${text}\n`);

const [, from] = /\bsetup\.from=(\w+)/.exec(readFileSync('/proc/cmdline', 'utf8')) ?? [];
const state = readState();
print(
  `from ${from}, state ${state}, media ${mountMedia()
    .map(({ letter }) => letter)
    .join()}`,
);
console.log('the screen of the stub');
if (from === 'cd') {
  print(isBlank() ? 'blank disk' : 'used disk');
  const table = TABLES[firmware()];
  partitionDisk(table);
  writeBoot(table);
  writeWindowsFiles(table.partitions.length, new Map([['Windows/Panther/setupact.log', Buffer.from('a log\n')]]));
  print(isBlank() ? 'blank disk' : 'used disk');
  writeState('first');
  restart();
}
if (state === 'first') {
  writeState('second');
  restart();
}
powerOff();
