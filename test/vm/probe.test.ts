import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAtLeast } from '../../src/vm/base/host.ts';
import { testAccelerator } from '../../src/vm/probe/accelerator.ts';
import { EXIT_CODE } from '../../src/vm/probe/boot-sector.ts';
import { findDistribution } from '../../src/vm/probe/distribution.ts';
import { probeHost } from '../../src/vm/probe/probe.ts';
import { queryQemu, qemuFileOf } from '../../src/vm/probe/qemu.ts';
import { findProgram } from '../../src/io/program.ts';
import { findTools } from '../../src/vm/probe/tools.ts';
import { QEMU, describeWith, emulatingHost } from '../support/qemu.ts';
import { runs, temporaryDirectory } from './support.ts';

function script(directory: string, name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

describeWith([QEMU], 'the probe', () => {
  test('queries the features of QEMU', async () => {
    const { qemu } = await emulatingHost();
    expect(qemu?.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(qemu).toMatchObject({ hasIgnoreShared: true, hasMultifd: true });
    for (const type of [/^pc-i440fx-/, /^pc-q35-/])
      expect(qemu?.machineTypes.some((name) => type.test(name))).toBe(true);
    expect(qemu).toMatchObject(await qemuFileOf(qemu?.binary ?? ''));
  });

  test('accepts software emulation, and rejects an unknown accelerator', async () => {
    const { qemu } = await emulatingHost();
    const trial = { binary: qemu?.binary ?? '', cpu: 'qemu64' };
    expect(await testAccelerator({ ...trial, accelerator: 'tcg' })).toMatchObject({
      name: 'tcg',
      works: true,
      cpu: 'qemu64',
    });
    expect(await testAccelerator({ ...trial, accelerator: 'none' })).toMatchObject({
      works: false,
      why: expect.stringContaining('invalid accelerator none') as string,
    });
    expect(await testAccelerator({ ...trial, accelerator: 'tcg', cpu: 'no-such' })).toMatchObject({ works: false });
    await expect(
      testAccelerator({ ...trial, accelerator: 'tcg', signal: AbortSignal.timeout(20) }),
    ).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('returns plain JSON', async () => {
    const host = await probeHost({ environment: process.env, directories: ['/', '/nowhere'] });
    expect(JSON.parse(JSON.stringify(host))).toEqual(JSON.parse(JSON.stringify({ ...host })));
    expect(host.qemu?.accelerators.find(({ name }) => name === 'tcg')?.works).toBe(true);
    expect(host.disks.map(({ path }) => path)).toContain('/');
    expect(host.disks.map(({ path }) => path)).not.toContain('/nowhere');
    expect(host.memory.availableBytes).toBeLessThanOrEqual(host.memory.totalBytes);
  });
});

test.skipIf(process.platform === 'win32')(
  'an accelerator test that never ends is killed (skipped on Windows)',
  async () => {
    const directory = temporaryDirectory();
    const binary = script(directory, 'qemu', `echo $$ > ${directory}/pid\nexec sleep 60`);
    const verdict = await testAccelerator({ binary, accelerator: 'kvm', cpu: 'host' });
    expect(verdict).toMatchObject({
      works: false,
      why: expect.stringContaining('no result of the test guest within 2000 ms') as string,
    });
    expect(runs(Number(readFileSync(join(directory, 'pid'), 'utf8')))).toBe(false);
  },
);

test.skipIf(process.platform === 'win32')('only the expected exit code is a success (skipped on Windows)', async () => {
  const directory = temporaryDirectory();
  const trial = { accelerator: 'kvm', cpu: 'host' };
  expect(await testAccelerator({ ...trial, binary: script(directory, 'a', `exit ${EXIT_CODE}`) })).toMatchObject({
    works: true,
  });
  expect(await testAccelerator({ ...trial, binary: script(directory, 'b', 'exit 0') })).toMatchObject({
    works: false,
    why: 'exit code 0',
  });
  expect(await testAccelerator({ ...trial, binary: script(directory, 'c', 'echo no way >&2; exit 1') })).toMatchObject({
    works: false,
    why: 'exit code 1: no way',
  });
});

test.skipIf(process.platform === 'win32')(
  'another program than QEMU counts as missing (skipped on Windows)',
  async () => {
    const directory = temporaryDirectory();
    const stranger = script(directory, QEMU, 'echo hello; sleep 0.1');
    await expect(queryQemu(stranger, {})).rejects.toMatchObject({ code: 'vm', message: 'not a QMP message: `hello`' });
    await expect(queryQemu(script(directory, 'silent', 'exit 0'), {})).rejects.toMatchObject({ code: 'vm' });
    expect((await probeHost({ environment: { PATH: directory } })).qemu).toBeUndefined();
  },
);

test.skipIf(process.platform === 'win32')(
  'programs are found in PATH first; a busybox must be static (skipped on Windows)',
  async () => {
    const directory = temporaryDirectory();
    const zstd = script(directory, 'zstd', '');
    script(directory, 'busybox-static', '');
    writeFileSync(join(directory, 'xorriso'), 'not to be run');
    expect(await findProgram('zstd', { PATH: `relative:${directory}` })).toBe(zstd);
    expect(await findProgram('no-such-program', { PATH: directory })).toBeUndefined();
    const tools = await findTools({ PATH: directory });
    expect(tools.zstd).toBe(zstd);
    expect(tools.busybox).not.toBe(join(directory, 'busybox-static'));
    expect(tools.xorriso).not.toBe(join(directory, 'xorriso'));
  },
);

describe('the distribution', () => {
  test.each([
    ['PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n', 'Debian GNU/Linux 12 (bookworm)', 'debian'],
    ['PRETTY_NAME=\'Linux Mint 22\'\nID=linuxmint\nID_LIKE="ubuntu debian"\n', 'Linux Mint 22', 'debian'],
    ['ID=rocky\nID_LIKE="rhel centos fedora"\nPRETTY_NAME=Rocky\n', 'Rocky', 'fedora'],
    ['ID=endeavouros\nID_LIKE=arch\nPRETTY_NAME=E\n', 'E', 'arch'],
    ['ID=nixos\nPRETTY_NAME="NixOS 25.05"\n', 'NixOS 25.05', 'nix'],
    ['ID=alpine\nPRETTY_NAME=Alpine\n', 'Alpine', undefined],
  ])('%j', async (text, name, family) => {
    const path = join(temporaryDirectory(), 'os-release');
    writeFileSync(path, text);
    expect(await findDistribution(path)).toEqual({ name, family });
  });

  test('is the name of the system without os-release', async () => {
    expect(await findDistribution('/nowhere')).toEqual({ name: process.platform, family: undefined });
  });
});

test.each([
  ['7.2.22', '8.2', false],
  ['8.2.0', '8.2', true],
  ['10.0.1', '9.2.4', true],
  ['9.2', '9.2.1', false],
  ['pc-i440fx-10.0', 'pc-i440fx-9.2', true],
])('version %s is at least %s: %s', (version, least, isSo) => {
  expect(isAtLeast(version, least)).toBe(isSo);
});
