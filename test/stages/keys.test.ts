import { mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { finishFile } from '../../src/stages/context.ts';
import { sha256OfFile } from '../../src/io/file-digest.ts';
import { installKey, snapshotKey } from '../../src/stages/keys.ts';
import type { InstallIngredients, SnapshotIngredients } from '../../src/stages/keys.ts';
import { vmPlaces } from '../../src/stages/layout.ts';
import type { MachineOptions } from '../../src/stages/manifest.ts';
import { findStage, listLeftovers, openWork, stagesInUse } from '../../src/stages/stage-store.ts';
import { checkFile } from '../../src/stages/verify-stage.ts';
import type { FileCheck } from '../../src/stages/verify-stage.ts';
import { OPTIONS } from './options.ts';

const OTHER_OPTIONS: MachineOptions[] = [
  { ...OPTIONS, memoryMiB: 1024 },
  { ...OPTIONS, cpus: 2 },
  { ...OPTIONS, diskMiB: 1 },
  { ...OPTIONS, emptyDisksMiB: [1] },
  { ...OPTIONS, emptyDisksMiB: [1, 2] },
  { ...OPTIONS, emptyDisksMiB: [2, 1] },
  { ...OPTIONS, firmware: 'uefi' },
  { ...OPTIONS, tpm: true },
  { ...OPTIONS, qemuArguments: ['-a', 'b'] },
  { ...OPTIONS, qemuArguments: ['-a b'] },
];

/** The same value with its fields the other way round. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, each]) => [name, turned(each)]),
  );
}

describe('keys', () => {
  const install: InstallIngredients = {
    guest: 'g',
    kit: 'k',
    cpu: 'c',
    firmware: null,
    lock: 'l',
    additions: [],
    machineOptions: OPTIONS,
    allowedPostinstallFailures: [],
  };
  const machine = { qemu: '7.2.0', machineType: 'pc-1', accelerator: 'tcg', cpu: 'c', firmware: null, hostCpu: null };
  const snapshot: SnapshotIngredients = { install: 'i', machine, machineOptions: OPTIONS, isPortable: false };
  const installs: InstallIngredients[] = [
    install,
    { ...install, guest: 'x' },
    { ...install, kit: 'x' },
    { ...install, lock: 'x' },
    { ...install, cpu: 'x' },
    ...['ab', 'ba', 'aa'].map(([code = '', vars = '']) => ({ ...install, firmware: { code, vars } })),
    { ...install, additions: [{ path: 'a', sha256: 'b' }] },
    { ...install, additions: [{ path: 'b', sha256: 'a' }] },
    { ...install, allowedPostinstallFailures: ['a'] },
    ...OTHER_OPTIONS.map((machineOptions) => ({ ...install, machineOptions })),
  ];
  const snapshots: SnapshotIngredients[] = [
    snapshot,
    { ...snapshot, install: 'x' },
    { ...snapshot, isPortable: true },
    ...(['qemu', 'machineType', 'accelerator', 'cpu', 'firmware', 'hostCpu'] as const).map((name) => ({
      ...snapshot,
      machine: { ...machine, [name]: 'x' },
    })),
    ...OTHER_OPTIONS.map((machineOptions) => ({ ...snapshot, machineOptions })),
  ];

  test('each ingredient changes the key', () => {
    const keys = [...installs.map(installKey), ...snapshots.map(snapshotKey)];
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
  });

  test('the order in which fields are written does not', () => {
    for (const each of installs) expect(installKey(turned(each) as InstallIngredients)).toBe(installKey(each));
    for (const each of snapshots) expect(snapshotKey(turned(each) as SnapshotIngredients)).toBe(snapshotKey(each));
  });
});

describe('what lies on the disk', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cyg-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('a file is unchanged, or the result names the change', async () => {
    const path = join(directory, 'file');
    await writeFile(path, 'content');
    const { stamp, identity } = await finishFile(path);
    let digests = 0;
    const check = async (known: string | undefined): Promise<FileCheck> =>
      checkFile(path, stamp, {
        known,
        digest: async (of) => {
          digests++;
          return sha256OfFile(of);
        },
      });
    const changed = (text: string): FileCheck => ({ kind: 'changed', text: `\`${path}\` ${text}` });
    expect(await check(identity)).toEqual({ kind: 'verified', identity });
    expect(digests).toBe(0);
    // Somebody touched it, or it is a copy: it is read, and known from then on.
    await utimes(path, 1, 1);
    const touched = await check(identity);
    expect(touched).toEqual({ kind: 'verified', identity: expect.not.stringMatching(identity) as string });
    expect(digests).toBe(1);
    expect(await check(touched.kind === 'verified' ? touched.identity : undefined)).toEqual(touched);
    expect(digests).toBe(1);
    // Of the same size and time.
    await writeFile(path, 'CONTENT');
    await utimes(path, 1, 1);
    expect(await check(touched.kind === 'verified' ? touched.identity : undefined)).toEqual(
      changed('is damaged: sha256 mismatch'),
    );
    await writeFile(path, 'more content');
    expect(await check(identity)).toEqual(changed('has 12 bytes instead of 7'));
    await rm(path);
    expect(await check(identity)).toEqual(changed('is missing'));
  });

  test('a work directory marks its stages as used, and abandoned ones are found', async () => {
    const places = vmPlaces(directory);
    const use = { stage: 'install', key: 'abc' } as const;
    expect(await findStage(places, use)).toBeUndefined();
    let run: string;
    {
      await using work = await openWork(places, [use]);
      run = work.run;
      expect((await stat(work.path)).mode & 0o777).toBe(0o700);
      expect(await stagesInUse(places)).toEqual([use]);
      expect(await listLeftovers(places)).toEqual([]);
    }
    await expect(stat(run)).rejects.toThrow('ENOENT');
    expect(await stagesInUse(places)).toEqual([]);
    const left = await openWork(places, [use]);
    // As if its owner had died.
    await rm(join(places.locks, `work-${left.path.split('/').at(-1) ?? ''}`));
    expect(await stagesInUse(places)).toEqual([]);
    expect(await listLeftovers(places)).toEqual([left.path]);
    await left[Symbol.asyncDispose]();
  });
});
