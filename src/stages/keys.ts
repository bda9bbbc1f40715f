import { createHash } from 'node:crypto';
import type { FrozenMachine, MachineOptions } from './manifest.ts';
import { STAGE_SCHEMA } from './manifest.ts';

/** Hexadecimal digits of a key. */
const KEY_DIGITS = 32;

/** Everything that goes into an installed disk. */
export interface InstallIngredients {
  readonly guest: string;
  /** Of what the host contributes (`InstallKit.key`). */
  readonly kit: string;
  /** sha256 of the lock, and of every further file on the medium, by path. */
  readonly lock: string;
  readonly additions: readonly { readonly path: string; readonly sha256: string }[];
  readonly machineOptions: MachineOptions;
}

/** Names an installed disk by what it is made of: the same ingredients, the same key. */
export function installKey(ingredients: InstallIngredients): string {
  return keyOf('install', ingredients);
}

/** Everything that goes into a snapshot. */
export interface SnapshotIngredients {
  readonly install: string;
  readonly machine: Omit<FrozenMachine, 'argv'>;
  readonly machineOptions: MachineOptions;
  readonly isPortable: boolean;
}

/** Names a snapshot. Another QEMU, accelerator or host processor gives another one. */
export function snapshotKey(ingredients: SnapshotIngredients): string {
  return keyOf('snapshot', ingredients);
}

function keyOf(stage: string, ingredients: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([STAGE_SCHEMA, stage, sorted(ingredients)]))
    .digest('hex')
    .slice(0, KEY_DIGITS);
}

/** The same value whatever the order its fields were written in. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  );
}
