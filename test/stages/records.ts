import type { InstalledManifest, SnapshotManifest } from '../../src/stages/manifest.ts';
import { OPTIONS } from './options.ts';

/** Stamp of their files. */
export const STAMP = { sizeBytes: 1, sha256: 'a'.repeat(64) };

/** Record of an installed disk. */
export const INSTALLED: InstalledManifest = {
  schema: 5,
  stage: 'install',
  key: 'abc',
  guest: 'stand-in',
  machineOptions: OPTIONS,
  made: {
    packages: ['bash'],
    lock: 'f'.repeat(64),
    description: [],
    installed: '2026-01-01T00:00:00.000Z',
    evaluationEnds: null,
    version: '1.0.0',
    durationMs: 5,
  },
  firmware: null,
  disk: STAMP,
  vars: null,
  tpm: null,
};

/** Record of its snapshot. */
export const SNAPSHOT: SnapshotManifest = {
  schema: 5,
  stage: 'snapshot',
  key: 'def',
  install: 'abc',
  guest: 'stand-in',
  machineOptions: INSTALLED.machineOptions,
  machine: {
    qemu: '7.2.0',
    machineType: 'pc',
    accelerator: 'tcg',
    cpu: 'max',
    firmware: STAMP.sha256,
    hostCpu: null,
    argv: ['qemu'],
  },
  made: { saved: '2026-01-01T00:00:00.000Z', evaluationEnds: null, version: '1.0.0', durationMs: 5, stoppedMs: 1 },
  disk: STAMP,
  vars: STAMP,
  tpm: STAMP,
  state: STAMP,
  ram: null,
};
