import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Event } from '../../src/events.ts';
import type { InstallKit } from '../../src/guest/kind.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import type { Host } from '../../src/vm/base/host.ts';
import type { MachineSpec } from '../../src/vm/base/spec.ts';
import type { StageContext } from '../../src/stages/context.ts';
import { firmwareDifference, firmwareDigests } from '../../src/stages/firmware.ts';
import { installStage } from '../../src/stages/install.ts';
import { vmPlaces } from '../../src/stages/layout.ts';
import { bareTemplate, machineSpec } from '../../src/stages/machine-spec.ts';
import type { MachineOptions } from '../../src/stages/manifest.ts';
import { storageBeside, storageIn } from '../../src/stages/storage.ts';
import { WATCH_LIMITS } from '../../src/stages/watch.ts';
import { debian12 } from '../vm/argv-support.ts';
import { OPTIONS } from './options.ts';

function firmwareAt(directory: string): Pick<Host, 'firmware'> {
  const flash = (name: string) => ({ path: join(directory, name), format: 'raw' }) as const;
  return { firmware: { code: flash('code.fd'), vars: flash('vars.fd') } };
}

function specOf(
  options: Partial<MachineOptions>,
  { accelerator, ...host }: Partial<Host> & { readonly accelerator?: string } = {},
): MachineSpec {
  const template = {
    ...bareTemplate(standIn),
    cpu: { kvm: { amd: 'a', other: 'k' }, emulated: 'e' },
    hasFirmwareConsole: true,
  };
  return machineSpec(
    template,
    { ...OPTIONS, ...options },
    {
      name: 'guest',
      host: { qemu: debian12, cpuVendor: 'intel', ...host },
      storage: storageIn('/stage'),
      backing: { kind: 'private' },
      start: 'running',
      onReset: 'exit',
      ...(accelerator !== undefined && { accelerator }),
    },
  );
}

test('BIOS has the console that the guest kind sets', () => {
  expect(specOf({})).toMatchObject({ firmware: { kind: 'bios', hasConsole: true } });
  expect(specOf({})).not.toHaveProperty('tpm');
  expect(specOf({})).not.toHaveProperty('hasFirmwareConsole');
});

test('UEFI has the code of the host, and variables and TPM of the storage', () => {
  expect(specOf({ firmware: 'uefi', tpm: true }, firmwareAt('/host'))).toMatchObject({
    firmware: { kind: 'uefi', code: { path: '/host/code.fd', format: 'raw' }, vars: '/stage/vars.qcow2' },
    tpm: { stateDirectory: '/stage' },
  });
});

test('the storage beside a disk has no name of another disk', () => {
  expect(storageBeside('/my/disk')).toEqual({
    disk: '/my/disk',
    vars: '/my/disk.vars.qcow2',
    tpm: '/my/disk.tpm/tpm2-00.permall',
  });
});

test('the CPU model depends on the accelerator: that of the stage, or the fastest that works', () => {
  const kvm = { ...debian12, accelerators: [{ name: 'kvm', works: true, cpu: 'qemu64', durationMs: 1 }] };
  expect(specOf({}).cpu).toBe('e');
  expect(specOf({}, { qemu: kvm }).cpu).toBe('k');
  expect(specOf({}, { qemu: kvm, accelerator: 'tcg' }).cpu).toBe('e');
  expect(specOf({}, { accelerator: 'kvm' }).cpu).toBe('k');
});

test('UEFI without firmware on the host is an error with a hint', () => {
  expect(() => specOf({ firmware: 'uefi' })).toThrow(
    expect.objectContaining({
      code: 'vm',
      message: 'no UEFI firmware is installed for QEMU',
      hint: 'run `cygstrap doctor`; it prints the command that installs it',
    }) as Error,
  );
});

test('firmware is the same if its content is, wherever it is', async () => {
  const directories = await Promise.all([1, 2].map(() => mkdtemp(join(tmpdir(), 'cyg-'))));
  const [here = '', there = ''] = directories;
  try {
    for (const directory of directories) {
      await writeFile(join(directory, 'code.fd'), 'code');
      await writeFile(join(directory, 'vars.fd'), 'vars');
    }
    const uefi = { firmware: 'uefi' } as const;
    const made = await firmwareDigests(firmwareAt(here), uefi);
    expect(made).toEqual(await firmwareDigests(firmwareAt(there), uefi));
    expect(await firmwareDigests(firmwareAt(here), { firmware: 'bios' })).toBeNull();
    const code = made?.code ?? '';
    expect(await firmwareDifference(firmwareAt(there), uefi, code)).toBeUndefined();
    expect(await firmwareDifference({}, { firmware: 'bios' }, null)).toBeUndefined();
    expect(await firmwareDifference({}, uefi, code)).toBe('it was made with UEFI firmware, and this host has none');
    await writeFile(join(there, 'code.fd'), 'CODE');
    expect(await firmwareDifference(firmwareAt(there), uefi, code)).toBe(
      `it was made with other UEFI firmware than \`${join(there, 'code.fd')}\` of this host`,
    );
  } finally {
    for (const directory of directories) await rm(directory, { recursive: true });
  }
});

test.each([
  [{ firmware: 'uefi' }, 'no UEFI firmware is installed for QEMU'],
  [{ tpm: true }, '`swtpm` is not installed'],
] as const)('an installation with %j fails before it writes anything: %s', async (options, message) => {
  const root = join(tmpdir(), 'cyg-nothing-is-written-here');
  const context = {
    host: { qemu: debian12, tools: {} },
    guest: standIn,
    places: vmPlaces(root),
    report: (event: Event) => expect.fail(JSON.stringify(event)),
    signal: new AbortController().signal,
  } as unknown as StageContext;
  await expect(
    installStage(context, {
      kit: { key: 'k' } as InstallKit,
      ingredients: {
        lock: 'l',
        additions: [],
        machineOptions: { ...OPTIONS, ...options },
        allowedPostinstallFailures: [],
      },
      archives: [],
      packages: [],
      limits: WATCH_LIMITS,
      makeMedia: () => expect.fail('media are written'),
    }),
  ).rejects.toMatchObject({ code: 'vm', message, hint: expect.stringContaining('cygstrap doctor') as string });
  expect(existsSync(root)).toBe(false);
});
