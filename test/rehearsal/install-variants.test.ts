import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench, INTERRUPTED } from '../stages/support.ts';
import type { Outcome } from '../stages/support.ts';
import { describeWith } from '../support/qemu.ts';
import type { CounterfeitOptions } from './medium.ts';
import { INSTALL_PROGRAMS, mediumOf, startInstall } from './support.ts';

/** An installation takes a minute on an idle computer. */
const LIMIT_MS = 600_000;

/** Steps after Windows PE. */
const STEPS = ['specialize', 'complete', 'logon', 'script', 'cygwin', 'configure', 'verify'];

describeWith(INSTALL_PROGRAMS, 'an installation from the counterfeit medium by BIOS', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.make();
  });

  afterAll(async () => {
    await bench.remove();
  });

  /** Installs. Returns how the command ended and the steps of the console. */
  async function install(
    options: Pick<CounterfeitOptions, 'kind' | 'variant'>,
    words: readonly string[] = [],
  ): Promise<{ ended: Outcome; steps: string[] }> {
    const iso = await mediumOf(bench, options);
    const command = await startInstall(bench, iso, ['--firmware', 'bios', '--verbose', ...words]);
    const ended = await command.ended;
    const log = join(bench.vmDir, 'logs', `install-${ended.stdout.trim()}.console.log`);
    const steps = [...new Set(readFileSync(log, 'latin1').match(/(?<=@cygstrap stage )\w+/g) ?? [])];
    await bench.expectNoTraces();
    return { ended, steps };
  }

  test(
    'of Windows 11 restarts four times, and has its check turned off by the script',
    { timeout: LIMIT_MS },
    async () => {
      const { ended, steps } = await install({ kind: 'windows-11', variant: 'restarts-4' });
      expect(ended.exit, ended.stderr).toBe(0);
      expect(steps).toEqual(['windowspe', ...STEPS]);
      expect(ended.stderr).toContain('restart 4');
    },
  );

  test(
    'of Windows 11 succeeds without COM1 in Windows PE, and with commands of the user',
    { timeout: LIMIT_MS },
    async () => {
      const customize = join(bench.path, 'customize');
      mkdirSync(customize);
      writeFileSync(join(customize, 'logon.cmd'), 'if not exist %~dp0note.txt exit 9\r\nreg add HKCU\\Software\\X\r\n');
      writeFileSync(join(customize, 'note.txt'), 'a note\r\n');
      const { ended, steps } = await install({ kind: 'windows-11', variant: 'no-com1-in-winpe' }, [
        '--customize',
        customize,
      ]);
      expect(ended.exit, ended.stderr).toBe(0);
      expect(steps).toEqual(STEPS);
    },
  );

  test(
    'that is interrupted in Windows PE leaves nothing; the same command then installs',
    { timeout: LIMIT_MS },
    async () => {
      const iso = await mediumOf(bench);
      const before = bench.stages().install;
      const words = ['--firmware', 'bios', '--verbose'];
      const interrupted = await startInstall(bench, iso, words);
      await interrupted.says(/windowspe/, LIMIT_MS);
      interrupted.child.kill('SIGINT');
      const { exit, stderr } = await interrupted.ended;
      expect([exit, stderr.endsWith(INTERRUPTED)], stderr).toEqual([130, true]);
      expect(bench.stages().install).toEqual(before);
      await bench.expectNoTraces();
      const again = await (await startInstall(bench, iso, words)).ended;
      expect(again.exit, again.stderr).toBe(0);
      await bench.expectNoTraces();
    },
  );
});
