import { createHash } from 'node:crypto';
import type { FirmwareDigests } from './firmware.ts';
import type { FrozenMachine, MachineOptions } from './manifest.ts';
import { STAGE_SCHEMA } from './manifest.ts';

/** Hexadecimal digits of a key. */
const KEY_DIGITS = 32;

/** Everything that decides the content of an installed disk. */
export interface InstallIngredients {
  readonly guest: string;
  /** `InstallKit.key`: hash of the data of the host. */
  readonly kit: string;
  /** CPU model that runs the installation. */
  readonly cpu: string;
  /** Null with BIOS. */
  readonly firmware: FirmwareDigests | null;
  /** sha256 of the lock. */
  readonly lock: string;
  /** Further files on the medium. */
  readonly additions: readonly { readonly path: string; readonly sha256: string }[];
  readonly machineOptions: MachineOptions;
  /** Packages whose postinstall scripts may fail, sorted. */
  readonly allowedPostinstallFailures: readonly string[];
}

/** Returns the key of an installed disk: a hash of its ingredients. The order of fields does not matter. */
export function installKey(ingredients: InstallIngredients): string {
  return keyOf('install', ingredients);
}

/** Everything that decides the content of a snapshot. */
export interface SnapshotIngredients {
  readonly install: string;
  readonly machine: Omit<FrozenMachine, 'argv'>;
  readonly machineOptions: MachineOptions;
  readonly isPortable: boolean;
}

/** Returns the key of a snapshot. It differs for another version of QEMU, accelerator or processor of the host. */
export function snapshotKey(ingredients: SnapshotIngredients): string {
  return keyOf('snapshot', ingredients);
}

function keyOf(stage: string, ingredients: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([STAGE_SCHEMA, stage, sorted(ingredients)]))
    .digest('hex')
    .slice(0, KEY_DIGITS);
}

/** Returns the value with the fields of all objects sorted by name. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  );
}
