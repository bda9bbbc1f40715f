import { join } from 'node:path';
import { STAGE_FILES } from './layout.ts';

/** Paths of everything that a machine keeps while it is off. */
export interface MachineStorage {
  readonly disk: string;
  /** Variables of the UEFI firmware; unused by a machine with BIOS. */
  readonly vars: string;
}

/** Returns the storage of a machine in a directory of its own. */
export function storageIn(directory: string): MachineStorage {
  return { disk: join(directory, STAGE_FILES.disk), vars: join(directory, STAGE_FILES.vars) };
}
