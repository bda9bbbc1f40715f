import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench } from '../stages/support.ts';
import { describeWith } from '../support/qemu.ts';
import { checkInstalledStage, PRODUCT_KEY } from './installed-stage.ts';
import { INSTALL_PROGRAMS, mediumOf, startInstall } from './support.ts';

/** An installation takes a minute on an idle computer. */
const LIMIT_MS = 600_000;

// `build.test.ts` installs Windows 7 and Server 2022.
describeWith(INSTALL_PROGRAMS, 'an installation from the counterfeit medium', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.make();
  });

  afterAll(async () => {
    await bench.remove();
  });

  test('Windows XP by BIOS: restarts, runs the script, is published', { timeout: LIMIT_MS }, async () => {
    const kind = 'windows-xp';
    const env = { CYGSTRAP_PRODUCT_KEY: PRODUCT_KEY };
    const command = await startInstall(bench, await mediumOf(bench, { kind }), [], { kind, env });
    const { exit, stdout, stderr } = await command.ended;
    expect(exit, stderr).toBe(0);
    const key = stdout.trim();
    expect(bench.stages().install).toEqual([key]);
    checkInstalledStage(bench, key, 'bios', stderr);
    await bench.expectNoTraces();
  });
});
