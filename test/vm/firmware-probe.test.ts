import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findFirmware } from '../../src/vm/probe/firmware.ts';
import { temporaryDirectory } from './support.ts';

/** A description as distributions install it. */
function description(code: string, more: object = {}): object {
  return {
    'interface-types': ['uefi'],
    mapping: {
      device: 'flash',
      executable: { filename: code, format: 'raw' },
      'nvram-template': { filename: '/vars.fd', format: 'raw' },
    },
    targets: [{ architecture: 'x86_64', machines: ['pc-i440fx-*', 'pc-q35-*'] }],
    features: ['acpi-s3'],
    ...more,
  };
}

/** Returns the code that is found when these files are there. */
async function found(files: Readonly<Record<string, object | string>>): Promise<string | undefined> {
  const root = temporaryDirectory();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  const environment = { XDG_CONFIG_HOME: join(root, 'home') };
  const firmware = await findFirmware({ environment, qemu: join(root, 'opt/qemu/bin/qemu'), root });
  return firmware?.code.path;
}

const SYSTEM = 'usr/share/qemu/firmware';

test('the first usable description counts, by name', async () => {
  expect(
    await found({
      [`${SYSTEM}/60-b.json`]: description('/b'),
      [`${SYSTEM}/50-secure.json`]: description('/secure', { features: ['requires-smm', 'secure-boot'] }),
      [`${SYSTEM}/70-c.json`]: description('/c'),
    }),
  ).toBe('/b');
});

test.each([
  ['the user', 'home/qemu/firmware'],
  ['the administrator', 'etc/qemu/firmware'],
])('a description of %s replaces that of the system with the same name, and an empty one hides it', async (_, path) => {
  const system = { [`${SYSTEM}/60-b.json`]: description('/b') };
  expect(await found({ ...system, [`${path}/60-b.json`]: description('/mine') })).toBe('/mine');
  expect(await found({ ...system, [`${path}/60-b.json`]: '' })).toBeUndefined();
});

test('a description beside QEMU is found', async () => {
  expect(await found({ 'opt/qemu/share/qemu/firmware/60.json': description('/beside') })).toBe('/beside');
});

test.each([
  ['for another processor', { targets: [{ architecture: 'aarch64', machines: ['virt-*'] }] }],
  ['for one chipset only', { targets: [{ architecture: 'x86_64', machines: ['pc-q35-*'] }] }],
  ['for microvm', { targets: [{ architecture: 'x86_64', machines: ['microvm'] }] }],
  ['in memory', { mapping: { device: 'memory', filename: '/x' } }],
  ['of BIOS', { 'interface-types': ['bios'] }],
  ['without variables', { mapping: { device: 'flash', executable: { filename: '/x', format: 'raw' } } }],
])('firmware %s is not used', async (_, more) => {
  expect(await found({ [`${SYSTEM}/60.json`]: description('/x', more) })).toBeUndefined();
});

test('a damaged description, and none, are no error', async () => {
  expect(await found({ [`${SYSTEM}/60.json`]: '{' })).toBeUndefined();
  expect(await found({})).toBeUndefined();
});
