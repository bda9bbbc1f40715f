import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench } from '../stages/support.ts';
import { describeWith } from '../support/qemu.ts';
import { failedInstall, INSTALL_PROGRAMS } from './support.ts';

/** An installation takes a minute on an idle computer. */
const LIMIT_MS = 600_000;

/** Longer than the firmware and Linux need without a line on the console and a write to the disk. */
const STALL_SECONDS = 60;

/** Windows has no such element. */
const UNKNOWN_ELEMENT = `<unattend xmlns="urn:schemas-microsoft-com:unattend"><settings pass="specialize">
<component name="Microsoft-Windows-Shell-Setup"><Colour>blue</Colour></component></settings></unattend>`;

describeWith(INSTALL_PROGRAMS, 'an installation that fails publishes nothing and leaves nothing running', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.make();
  });

  afterAll(async () => {
    await bench.remove();
  });

  /** Installs with a variant by BIOS, which asks for no key. Returns what the command prints. */
  const failure = async (variant: string, words: readonly string[] = []): Promise<string> =>
    failedInstall(bench, { variant }, ['--firmware', 'bios', ...words]);

  test.each([
    ['power-off-without-verdict', 'the guest powered off before it reported that it is installed, in step `complete`'],
    ['failed-script', 'the guest reports: copy: specialize exited with 1'],
    ['wrong-nonce', 'the guest reported the nonce of another installation'],
  ])('%s', { timeout: LIMIT_MS }, async (variant, message) => {
    expect(await failure(variant)).toContain(`\nerror: the installation failed: ${message}`);
  });

  test.each([
    ['question', 'windowspe', 'Setup can wait for an answer'],
    ['hang-windowspe', 'windowspe', 'Setup can wait for an answer'],
    ['hang-specialize', 'specialize', 'the first start from the disk'],
    // Setup has ended; the script does not tell that the user is logged on.
    ['hang-logon', 'complete', 'the desktop can wait for an answer'],
  ])('%s: the screen is still in step %s', { timeout: LIMIT_MS }, async (variant, step, hint) => {
    const stderr = await failure(variant, ['--stall-timeout', `${STALL_SECONDS}s`]);
    const still = `there is no write to a disk for ${STALL_SECONDS} s, and the screen does not change`;
    expect(stderr).toContain(`\nerror: the installation waits for an answer or hangs: in step \`${step}\` ${still}`);
    const [, files] = new RegExp(`\nhint: ${hint}.*; see step \`${step}\` in (.*), or allow`).exec(stderr) ?? [];
    const paths = [...(files ?? '').matchAll(/`([^`]*)`/g)].map(([, path = '']) => path);
    expect(paths.map((path) => [path.replace(/.*\./, ''), statSync(path).size > 0])).toEqual([
      ['log', true],
      ['png', true],
    ]);
  });

  test('answers that Setup refuses in specialize: the cause is read from its log', { timeout: LIMIT_MS }, async () => {
    const customize = join(bench.path, 'customize');
    mkdirSync(join(customize, 'answers'), { recursive: true });
    writeFileSync(join(customize, 'answers/colour.xml'), UNKNOWN_ELEMENT);
    const stderr = await failure('plain', ['--stall-timeout', `${STALL_SECONDS}s`, '--customize', customize]);
    expect(stderr).toContain(
      '\nerror: the installation failed: the answer file has an element that this version or edition of Windows does ' +
        'not have; the installation waits for an answer or hangs: in step `specialize` ',
    );
  });
});
