import type { MachineOptions } from '../../src/stages/manifest.ts';

/** Options of a machine without extras. */
export const OPTIONS: MachineOptions = {
  memoryMiB: 512,
  cpus: 1,
  diskMiB: 8192,
  emptyDisksMiB: [],
  firmware: 'bios',
  tpm: false,
  qemuArguments: [],
};
