import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench } from '../stages/support.ts';
import { describeWith } from '../support/qemu.ts';
import { INSTALL_PROGRAMS, mediumOf, startInstall } from './support.ts';

/** An installation takes a minute on an idle computer. */
const LIMIT_MS = 600_000;

describeWith(INSTALL_PROGRAMS, 'an installation that fails publishes nothing and leaves nothing running', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.make();
  });

  afterAll(async () => {
    await bench.remove();
  });

  /** Installs with a variant by BIOS, which asks for no key. Returns what the command prints. */
  async function failure(variant: string, words: readonly string[] = []): Promise<string> {
    const iso = await mediumOf(bench, { variant });
    const { exit, stdout, stderr } = await startInstall(bench, iso, ['--firmware', 'bios', ...words]).ended;
    expect([exit, stdout], stderr).toEqual([3, '']);
    expect(bench.stages().install).toEqual([]);
    await bench.expectNoTraces();
    return stderr;
  }

  test.each([
    ['power-off-without-verdict', 'the guest powered off before it reported that it is installed'],
    ['failed-script', 'the guest reports: copy: logon exited with 1'],
    ['wrong-nonce', 'the guest powered off before it reported that it is installed'],
  ])('%s', { timeout: LIMIT_MS }, async (variant, message) => {
    expect(await failure(variant)).toContain(`\nerror: the installation failed: ${message}`);
  });
});
