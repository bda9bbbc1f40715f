import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../stages/support.ts';
import type { Outcome } from '../stages/support.ts';
import { describeWith } from '../support/qemu.ts';
import { checkInstalledStage, PRODUCT_KEY } from './installed-stage.ts';
import { failedInstall, INSTALL_PROGRAMS, machineWords, mediumOf } from './support.ts';

/** An installation and a snapshot take three minutes on an idle computer. */
const LIMIT_MS = 1_200_000;

describeWith(INSTALL_PROGRAMS, 'a build in the rehearsed Windows', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.make();
  });

  afterAll(async () => {
    await bench.remove();
  });

  /** Installs, takes a snapshot, and compiles a program. */
  async function build(
    medium: Parameters<typeof mediumOf>[1],
    firmware: 'bios' | 'uefi',
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Outcome> {
    const iso = await mediumOf(bench, medium);
    const before = bench.stages().install;
    const [input, output] = [join(bench.path, 'in'), join(bench.path, 'out')];
    mkdirSync(input, { recursive: true });
    writeFileSync(join(input, 'hello.c'), 'int main() { puts("hello"); }\n');
    const own = [
      'build',
      '--iso',
      iso,
      ...(await machineWords(bench, medium?.kind)),
      ...words,
      '--in',
      input,
      '--out',
      output,
    ];
    const command = 'gcc in/hello.c -o hello && ./hello >out/hello.txt && uname -s && id -G';
    const ended = await bench.vm([...own, '--', 'sh', '-c', command], { env });
    expect(ended.exit, ended.stderr).toBe(0);
    expect(readFileSync(join(output, 'hello.txt'), 'utf8')).toBe('hello\n');
    const [key = '', ...others] = bench.stages().install.filter((each) => !before.includes(each));
    expect(others).toEqual([]);
    checkInstalledStage(bench, key, firmware, ended.stderr);
    return ended;
  }

  describe('Windows Server 2022 by UEFI', () => {
    test('installs, takes a snapshot and runs, with files in and out', { timeout: LIMIT_MS }, async () => {
      const { stdout } = await build({ kind: 'windows-2022' }, 'uefi', []);
      // 4: Windows has the password of the user.
      expect(stdout).toMatch(/^CYGWIN_NT-10\.0-20348\n(\d+ )+4 /);
      await bench.expectNoTraces();
    });

    test('returns the exit code of a command', { timeout: LIMIT_MS }, async () => {
      const { exit, stdout } = await bench.vm(['vm', 'run', '--', 'sh', '-c', 'echo seven; exit 7']);
      expect([exit, stdout]).toEqual([7, 'seven\n']);
    });

    test('reaches its shares through a controller', { timeout: LIMIT_MS }, async () => {
      const store = join(bench.path, 'store');
      mkdirSync(store);
      writeFileSync(join(store, 'note.txt'), 'a note\n');
      const words = ['vm', 'run', '--topology', 'stream', '--store', store, '--', 'cat', '/store/note.txt'];
      const { exit, stdout, stderr } = await bench.vm(words);
      expect([exit, stdout], stderr).toEqual([0, 'a note\n']);
      await bench.expectNoTraces();
    });
  });

  test(
    'Windows 7 by BIOS: setup wants a restart, and Windows does not store the password',
    { timeout: LIMIT_MS },
    async () => {
      const medium = { kind: 'windows-7', variant: 'in-use, password-not-stored' } as const;
      const { stdout, stderr } = await build(medium, 'bios', ['--edition', '2', '--verbose'], {
        CYGSTRAP_PRODUCT_KEY: PRODUCT_KEY,
      });
      // 2: the logon is one of the network, and net use has connected the shares.
      expect(stdout).toMatch(/(\d+ )+2 /);
      expect(stderr).toContain('Windows did not store the password of the user');
      await bench.expectNoTraces();
    },
  );

  test('a package that setup has not installed fails the installation', { timeout: LIMIT_MS }, async () => {
    const stderr = await failedInstall(bench, { variant: 'package-missing' }, ['--firmware', 'bios']);
    expect(stderr).toContain('differ from the lock, 1 finding:\n  - missing make: lock: 1.0-1; not installed\n');
  });

  test('another host key than that of the host fails the installation', { timeout: LIMIT_MS }, async () => {
    const stderr = await failedInstall(bench, { variant: 'other-host-key' }, ['--firmware', 'bios']);
    expect(stderr).toContain('the guest reported another host key than the one of the answers');
  });
});
