import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLock } from '../../src/api/lock-file.ts';
import { installVm } from '../../src/api/vm-install.ts';
import type { VmInstallRequest } from '../../src/api/vm-install.ts';
import type { Answers, GuestKind, InstallKit } from '../../src/guest/kind.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import type { InstallReport } from '../../src/stages/install-report.ts';
import type { InstalledManifest } from '../../src/stages/manifest.ts';
import { describeWith } from '../support/qemu.ts';
import { Bench, INTERRUPTED, PROGRAMS, machinePid, namesIn, processesOf } from './support.ts';
import type { RunningCommand } from './support.ts';

/** Changes the kernel command line of a machine. */
function withAppend<T extends { readonly boot: { readonly kind: string } }>(template: T, append: string): T {
  return { ...template, boot: { ...template.boot, append } };
}

describeWith(PROGRAMS, 'a failed installation prints an error, publishes nothing and leaves no files', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.make();
  });
  afterAll(() => bench.remove());

  const install = (...words: string[]): RunningCommand => bench.startMaking(['vm', 'install', '--verbose', ...words]);
  const kitOf = (change: (kit: InstallKit) => Partial<InstallKit>): GuestKind => ({
    ...standIn,
    prepare: async (options) => {
      const kit = await standIn.prepare(options);
      return { ...kit, ...change(kit) };
    },
  });
  const installed = async (guest: GuestKind, own: Partial<VmInstallRequest> = {}): Promise<InstalledManifest> => {
    return installVm(
      { repo: bench.repo, lock: bench.lock, machineOptions: { memoryMiB: 256, diskMiB: 2048 }, ...own },
      await bench.context(guest),
    );
  };
  const answering = (change: (answers: Answers) => Answers): GuestKind =>
    kitOf((kit) => ({ answerFiles: (answers) => kit.answerFiles(change(answers)) }));

  test('QEMU is killed', async () => {
    const command = install();
    process.kill(await machinePid(command, 'install'), 'SIGKILL');
    const { exit, stderr } = await command.ended;
    expect(exit).toBe(3);
    expect(stderr).toMatch(
      /^error: QEMU of machine `install` died \(signal SIGKILL\)\nhint: the process was killed, possibly by the kernel because memory ran out; its console is in `.*`$/m,
    );
    expect(bench.stages().install).toEqual([]);
    await bench.expectNoTraces();
    const packed = await bench.vm(['vm', 'evidence', '--out', join(bench.path, 'evidence.tar.gz'), '--json']);
    const { stage, files } = JSON.parse(packed.stdout) as { stage: string; files: { name: string }[] };
    expect(stage).toBe('install');
    expect(files.map(({ name }) => name)).toEqual(['console.log', 'doctor.json', 'failure.json', 'versions.json']);
    const [record] = namesIn(join(bench.vmDir, 'logs')).filter((name) => name.endsWith('.failure.json'));
    const { commands, error } = JSON.parse(readFileSync(join(bench.vmDir, 'logs', record ?? ''), 'utf8')) as {
      commands: string[];
      error: { message: string };
    };
    expect(commands).toEqual([expect.stringMatching(/^\S*qemu-system-x86_64 .*-name guest=install /)]);
    expect(error.message).toBe('QEMU of machine `install` died (signal SIGKILL)');
  });

  test('QEMU is stopped', async () => {
    const command = install('--stall-timeout', '3s');
    const pid = await machinePid(command, 'install');
    process.kill(pid, 'SIGSTOP');
    const { exit, stderr } = await command.ended;
    expect(exit).toBe(3);
    expect(stderr).toMatch(
      /^error: the installation hangs: no progress for 3 s in step `start`; its console is empty\nhint: .*--stall-timeout`; `cygstrap vm evidence` packs them$/m,
    );
    expect(bench.stages().install).toEqual([]);
    await bench.expectNoTraces();
  });

  test('Ctrl-C', async () => {
    const command = install();
    await command.says(/install: boot/);
    command.child.kill('SIGINT');
    const { exit, stderr } = await command.ended;
    expect(exit).toBe(130);
    expect(stderr.endsWith(INTERRUPTED)).toBe(true);
    expect(bench.stages().install).toEqual([]);
    await bench.expectNoTraces();
  });

  test('the guest panics', async () => {
    const guest = kitOf((kit) => ({
      installMachine: (options) =>
        withAppend(kit.installMachine(options), 'console=ttyS0 panic=-1 rdinit=/nothing root=/dev/nothing'),
      setupLogs: {
        paths: ['Windows/Panther/setuperr.log'],
        diagnose: (logs) =>
          logs.flatMap(({ name, text }) =>
            text.includes('Kernel panic') ? [{ cause: 'no root', advice: 'give it one', log: name, line: '' }] : [],
          ),
      },
    }));
    await expect(installed(guest)).rejects.toMatchObject({
      message: expect.stringMatching(
        /^the installation failed: no root; the guest restarted, as after a panic; the last line of its console: .*Kernel panic/,
      ) as string,
      hint: expect.stringMatching(/^give it one; see step /) as string,
    });
    const logs = join(bench.vmDir, 'logs');
    const [setup] = namesIn(logs).filter((name) => name.endsWith('.setup'));
    expect(namesIn(join(logs, setup ?? ''))).toEqual(['diagnosis.txt', 'problems.txt']);
  });

  test('the guest refuses an archive', async () => {
    const guest = answering((answers) => ({
      ...answers,
      archives: answers.archives.map((each, i) =>
        i === 1 ? { ...each, digest: { algorithm: 'sha512', hex: '0'.repeat(128) } } : each,
      ),
    }));
    await expect(installed(guest)).rejects.toThrow(
      /^the installation failed: the guest reports: x86_64\/release\/\S+: wrong sha512$/,
    );
  });

  test('a guest that reports another nonce', async () => {
    await expect(installed(answering((answers) => ({ ...answers, nonce: 'another' })))).rejects.toThrow(
      'the installation failed: the guest reported the nonce of another installation',
    );
    expect(bench.stages().install).toEqual([]);
    expect(namesIn(join(bench.vmDir, 'work'))).toEqual([]);
  });

  test('a guest that reports another host key', async () => {
    const hostKey = { privateKey: 'x\n', publicKey: `ssh-ed25519 ${'A'.repeat(68)}` };
    await expect(installed(answering((answers) => ({ ...answers, hostKey })))).rejects.toThrow(
      'the installation failed: the guest reported another host key than the one of the answers',
    );
    expect(bench.stages().install).toEqual([]);
  });

  test('a package of the lock is missing', async () => {
    const guest = kitOf((kit) => ({
      answerFiles: (answers) =>
        new Map([
          ...kit.answerFiles({ ...answers, archives: answers.archives.filter(({ name }) => name !== 'gcc-core') }),
          ...[...kit.answerFiles(answers)].filter(([name]) => name === 'locked'),
        ]),
    }));
    const [gcc] = (await readLock(bench.lock)).packages.filter(({ name }) => name === 'gcc-core');
    await expect(installed(guest)).rejects.toMatchObject({
      message:
        'the installation failed: the installed packages differ from the lock, 1 finding:\n' +
        `  - missing gcc-core: lock: ${gcc?.version}; not installed`,
      hint: expect.stringMatching(
        /^read the findings of the kind `log`.*; see step `verify` in its console log/,
      ) as string,
    });
    expect(bench.stages().install).toEqual([]);
    const packed = await bench.vm(['vm', 'evidence', '--out', join(bench.path, 'evidence.tar.gz'), '--json']);
    const { files } = JSON.parse(packed.stdout) as { files: { name: string }[] };
    expect(files.map(({ name }) => name)).toContain('report.json');
  });

  test('a postinstall script fails, unless the user allows it', async () => {
    const tree = join(bench.path, 'broken');
    await mkdir(join(tree, 'etc/postinstall'), { recursive: true });
    await writeFile(join(tree, 'etc/postinstall/broken.sh'), 'if true\n');
    const archive = join(bench.path, 'broken.tar.xz');
    expect(spawnSync('bsdtar', ['-cJf', archive, '-C', tree, 'etc/postinstall/broken.sh']).status).toBe(0);
    const bytes = await readFile(archive);
    const digest = { algorithm: 'sha512', hex: createHash('sha512').update(bytes).digest('hex') } as const;
    const guest = answering((answers) => ({
      ...answers,
      archives: answers.archives.map((each) =>
        each.name === 'gcc-core' ? { ...each, path: 'extra/broken.tar.xz', sizeBytes: bytes.length, digest } : each,
      ),
    }));
    const add = [`${archive}=extra/broken.tar.xz`];
    await expect(installed(guest, { add })).rejects.toMatchObject({
      message:
        'the installation failed: the installed packages differ from the lock, 1 finding:\n' +
        '  - postinstall gcc-core: broken.sh: exit code 2',
      hint: expect.stringContaining('repeat with `--allow-postinstall-failure gcc-core`') as string,
    });
    const { key } = await installed(guest, { add, allowedPostinstallFailures: ['gcc-core'] });
    const report = JSON.parse(
      await readFile(join(bench.vmDir, 'install', key, 'report.json'), 'utf8'),
    ) as InstallReport;
    expect(report).toMatchObject({
      schema: 1,
      isComplete: true,
      counts: { findings: 1, allowed: 1 },
      findings: [{ kind: 'postinstall', subject: 'gcc-core', isAllowed: true }],
    });
    expect(await bench.vm(['vm', 'rm', key])).toMatchObject({ exit: 0 });
  });

  test('cygstrap is killed: QEMU ends, the next installation succeeds, and `vm gc` removes the leftovers', async () => {
    // Of the tests before: the times of installations that failed.
    expect(await bench.gc()).toMatchObject({ exit: 0 });
    const command = install();
    await machinePid(command, 'install');
    command.child.kill('SIGKILL');
    expect(await command.ended).toMatchObject({ signal: 'SIGKILL' });
    await expect.poll(() => processesOf(bench.temporary)).toEqual([]);
    expect(namesIn(join(bench.vmDir, 'work'))).toHaveLength(1);
    const { exit, stdout, stderr } = await install().ended;
    expect(exit, stderr).toBe(0);
    expect(bench.stages().install).toEqual([stdout.trim()]);
    expect(await bench.gc()).toMatchObject({ exit: 0, stdout: 'removed: 1 leftover, 0 stages\n' });
    await bench.expectNoTraces();
  });
});
