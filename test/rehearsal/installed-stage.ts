import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Bench } from '../stages/support.ts';

/** What the firmware prints: the medium once, then the disk. */
const STARTS = {
  bios: /not a bootable disk.*ISOLINUX(?:.*SYSLINUX){2,}.*@cygstrap stage logon/s,
  uefi: /UEFI QEMU DVD-ROM(?:.*"Windows Boot Manager" from HD\(){2,}.*@cygstrap stage logon/s,
};

const END = /@cygstrap stage verify\r?\n@cygstrap verdict 0 19\r?\n@cygstrap installed [0-9a-f]+\r?\n$/;

export const PRODUCT_KEY = 'ABCDE-12345-FGHIJ-67890-KLMNP';

/** Returns the names of the files in directories that contain a text, apart from disks. */
function filesWith(text: string, directories: readonly string[]): string[] {
  return directories.flatMap((directory) =>
    readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.qcow2'))
      .map(({ name }) => name)
      .filter((name) => readFileSync(join(directory, name), 'latin1').includes(text)),
  );
}

/** Checks a stage that was installed from a counterfeit medium: its console, its files, and that the product key and
 *  the password are in no other file and were not printed. */
export function checkInstalledStage(bench: Bench, key: string, firmware: 'bios' | 'uefi', printed: string): void {
  const stage = join(bench.vmDir, 'install', key);
  expect(statSync(join(stage, 'password')).mode & 0o777).toBe(0o600);
  const password = readFileSync(join(stage, 'password'), 'utf8').trim();
  const places = [stage, join(bench.vmDir, 'logs')];
  expect(filesWith(password, places)).toEqual(['password']);
  expect(filesWith(PRODUCT_KEY, places)).toEqual([]);
  expect(printed).not.toContain(password);
  expect(printed).not.toContain(PRODUCT_KEY);
  expect(readdirSync(stage).includes('vars.qcow2')).toBe(firmware === 'uefi');
  const console = readFileSync(join(bench.vmDir, 'logs', `install-${key}.console.log`), 'latin1');
  expect(console).toMatch(STARTS[firmware]);
  expect(console).toMatch(END);
}
