import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench } from '../stages/support.ts';
import { describeWith } from '../support/qemu.ts';
import { failedInstall, INSTALL_PROGRAMS, namedFiles } from './support.ts';

const LIMIT_MS = 600_000;

/** Longer than a start by UEFI takes without a line on the console and a write to the disk. */
const STALL_SECONDS = 60;

describeWith(INSTALL_PROGRAMS, 'how an installation starts the medium', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.make();
  });

  afterAll(async () => {
    await bench.remove();
  });

  /** Installs by UEFI or BIOS, and fails. Returns the parts of the message and the number of prompts for a key. */
  async function failure(
    medium: Parameters<typeof failedInstall>[1],
    firmware: 'uefi' | 'bios' = 'uefi',
  ): Promise<{ readonly error: string; readonly hint: string; readonly prompts: number }> {
    const stderr = await failedInstall(bench, medium, ['--firmware', firmware, '--stall-timeout', `${STALL_SECONDS}s`]);
    const [, error = stderr, hint = ''] = /^error: (.*)\nhint: (.*)/m.exec(stderr) ?? [];
    const { log, png } = namedFiles(hint);
    expect(png?.length, stderr).toBeGreaterThan(0);
    return { error, hint, prompts: log?.toString().match(/Press any key/g)?.length ?? 0 };
  }

  test.each([
    ['no-prompt', 0],
    ['prompt-twice', 2],
    ['too-late-twice', 3],
  ] as const)('UEFI, %s: Setup starts', { timeout: LIMIT_MS }, async (boot, expected) => {
    const { error, prompts } = await failure({ boot, variant: 'hang-windowspe' });
    expect(error).toMatch(/^the installation waits for an answer or hangs: in step `windowspe`/);
    expect(prompts).toBe(expected);
  });

  test('UEFI, no time for a key: the boot loader of the medium ends in each start', { timeout: LIMIT_MS }, async () => {
    const { error, hint, prompts } = await failure({ boot: 'too-late' });
    expect(error).toMatch(
      /^the installation failed in step `firmware`: the boot loader of the ISO ended in 4 starts: no key /,
    );
    expect(prompts).toBe(4);
    expect(hint).toMatch(/^try again while the host is less loaded/);
  });

  test('UEFI, a reset before Setup has written: the processor is the likely cause', { timeout: LIMIT_MS }, async () => {
    const { error, hint } = await failure({ variant: 'reset-before-setup' });
    // The second: it took longer than the time in which keys are pressed.
    expect(error).toMatch(
      /: (the guest restarted 7 times within \d minutes|Setup restarted the machine before it wrote)/,
    );
    expect(hint).toMatch(/^Windows 11 24H2 and Server 2025 reset on a processor without/);
  });

  test('BIOS, a reset whenever the disk starts: their number and time', { timeout: LIMIT_MS }, async () => {
    const { error, hint } = await failure({ variant: 'reset-loop' }, 'bios');
    expect(error).toMatch(
      /^the installation failed in step `specialize`: the guest restarted 7 times within \d minutes/,
    );
    expect(hint).toMatch(/or use another `--firmware` if the disk does not start/);
  });
});
