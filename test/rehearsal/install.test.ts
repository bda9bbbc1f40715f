import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench } from '../stages/support.ts';
import { describeWith } from '../support/qemu.ts';
import { INSTALL_PROGRAMS, mediumOf, startInstall } from './support.ts';

/** An installation takes a minute on an idle computer. */
const LIMIT_MS = 600_000;

describeWith(INSTALL_PROGRAMS, 'an installation from the counterfeit medium', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.make();
  });

  afterAll(async () => {
    await bench.remove();
  });

  test.each([
    ['bios', /not a bootable disk.*ISOLINUX(?:.*SYSLINUX.*@cygstrap stage (?:specialize|logon)){2}/s],
    ['uefi', /UEFI QEMU DVD-ROM(?:.*"Windows Boot Manager" from HD\(.*@cygstrap stage (?:specialize|logon)){2}/s],
  ])(
    '%s: partitions, restarts, runs the script, and publishes the disk',
    { timeout: LIMIT_MS },
    async (firmware, starts) => {
      const iso = await mediumOf(bench, { boot: 'no-prompt' });
      const before = bench.stages().install;
      const { exit, stdout, stderr } = await startInstall(bench, iso, ['--firmware', firmware]).ended;
      expect(exit, stderr).toBe(0);
      const key = stdout.trim();
      expect(bench.stages().install.filter((each) => !before.includes(each))).toEqual([key]);
      const stage = join(bench.vmDir, 'install', key);
      expect(statSync(join(stage, 'password')).mode & 0o777).toBe(0o600);
      expect(readdirSync(stage).includes('vars.qcow2')).toBe(firmware === 'uefi');
      const console = readFileSync(join(bench.vmDir, 'logs', `install-${key}.console.log`), 'latin1');
      expect(console).toMatch(starts);
      expect(console).toMatch(/@cygstrap stage script\r?\n@cygstrap installed [0-9a-f]+\r?\n$/);
      await bench.expectNoTraces();
    },
  );
});
