import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench } from '../stages/support.ts';
import { describeWith } from '../support/qemu.ts';
import { INSTALL_PROGRAMS, mediumOf, startInstall } from './support.ts';

const BIOS_STARTS = /not a bootable disk.*ISOLINUX(?:.*SYSLINUX){2,}.*@cygstrap stage logon/s;
const UEFI_STARTS = /UEFI QEMU DVD-ROM(?:.*"Windows Boot Manager" from HD\(){2,}.*@cygstrap stage logon/s;

/** An installation takes a minute on an idle computer. */
const LIMIT_MS = 600_000;

const PRODUCT_KEY = 'ABCDE-12345-FGHIJ-67890-KLMNP';

/** Returns the names of the files in directories that contain a text, apart from disks. */
function filesWith(text: string, directories: readonly string[]): string[] {
  return directories.flatMap((directory) =>
    readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.qcow2'))
      .map(({ name }) => name)
      .filter((name) => readFileSync(join(directory, name), 'latin1').includes(text)),
  );
}

describeWith(INSTALL_PROGRAMS, 'an installation from the counterfeit medium', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.make();
  });

  afterAll(async () => {
    await bench.remove();
  });

  test.each([
    { kind: 'windows-xp', firmware: 'bios', edition: [], starts: BIOS_STARTS },
    { kind: 'windows-7', firmware: 'bios', edition: ['--edition', '2'], starts: BIOS_STARTS },
    { kind: 'windows-2022', firmware: 'uefi', edition: [], starts: UEFI_STARTS },
  ] as const)('$kind, $firmware: restarts, runs the script, is published', { timeout: LIMIT_MS }, async (each) => {
    const { kind, firmware, edition, starts } = each;
    const iso = await mediumOf(bench, { kind });
    const before = bench.stages().install;
    const command = await startInstall(bench, iso, ['--firmware', firmware, ...edition], {
      kind,
      env: kind === 'windows-2022' ? {} : { CYGSTRAP_PRODUCT_KEY: PRODUCT_KEY },
    });
    const { exit, stdout, stderr } = await command.ended;
    expect(exit, stderr).toBe(0);
    const key = stdout.trim();
    expect(bench.stages().install.filter((each) => !before.includes(each))).toEqual([key]);
    const stage = join(bench.vmDir, 'install', key);
    expect(statSync(join(stage, 'password')).mode & 0o777).toBe(0o600);
    const [password, places] = [
      readFileSync(join(stage, 'password'), 'utf8').trim(),
      [stage, join(bench.vmDir, 'logs')],
    ];
    expect(filesWith(password, places)).toEqual(['password']);
    expect(filesWith(PRODUCT_KEY, places)).toEqual([]);
    expect(stderr).not.toContain(password);
    expect(stderr).not.toContain(PRODUCT_KEY);
    expect(readdirSync(stage).includes('vars.qcow2')).toBe(firmware === 'uefi');
    const console = readFileSync(join(bench.vmDir, 'logs', `install-${key}.console.log`), 'latin1');
    expect(console).toMatch(starts);
    expect(console).toMatch(
      /@cygstrap stage verify\r?\n@cygstrap verdict 0 19\r?\n@cygstrap installed [0-9a-f]+\r?\n$/,
    );
    await bench.expectNoTraces();
  });
});
