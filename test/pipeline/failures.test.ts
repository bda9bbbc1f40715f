import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { prepareVm } from '../../src/commands/vm-context.ts';
import { installVm } from '../../src/commands/vm-install.ts';
import { findSnapshot } from '../../src/commands/vm-run.ts';
import type { Answers, GuestKind, InstallKit } from '../../src/guest/kind.ts';
import type { VmContext } from '../../src/commands/vm-context.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import type { StageContext } from '../../src/pipeline/context.ts';
import { revive } from '../../src/pipeline/revive.ts';
import { runStage } from '../../src/pipeline/run.ts';
import { describeWith } from '../support/qemu.ts';
import { Bench, PROGRAMS, machinePid, namesIn, processesOf } from './support.ts';
import type { Outcome, RunningCommand } from './support.ts';

const SMALL_MIB = 340;

/** Puts other words where a machine boots. */
function withAppend<T extends { readonly boot: { readonly kind: string } }>(template: T, append: string): T {
  return { ...template, boot: { ...template.boot, append } };
}

describeWith(PROGRAMS, 'what fails says so, publishes nothing and leaves nothing', () => {
  let bench: Bench;

  const contextWith = async (guest: GuestKind): Promise<VmContext> => ({
    ...(await prepareVm({ directory: bench.vmDir, environment: process.env, version: 'test', report: () => {} })),
    guest,
  });
  /** With a cache of its own: images of others are none of its business. */
  const gc = async (...words: string[]): Promise<Outcome> => bench.vm(['vm', 'gc', ...words], { env: { XDG_CACHE_HOME: join(bench.path, 'cache') } });
  const interrupt = (command: RunningCommand): boolean => command.child.kill('SIGINT');
  const INTERRUPTED = 'error: interrupted\nhint: the same command goes on from here\n';

  beforeAll(async () => {
    bench = await Bench.make();
  });
  afterAll(() => bench.remove());

  describe('install', () => {
    const install = (...words: string[]): RunningCommand => bench.startMaking(['vm', 'install', '--verbose', ...words]);
    const kitOf = (change: (kit: InstallKit) => Partial<InstallKit>): GuestKind => ({
      ...standIn,
      prepare: async (options) => {
        const kit = await standIn.prepare(options);
        return { ...kit, ...change(kit) };
      },
    });
    const installed = async (guest: GuestKind): Promise<unknown> => {
      return installVm({ repo: bench.repo, lock: bench.lock, wishes: { memoryMiB: 256, diskMiB: 2048 } }, await contextWith(guest));
    };
    const answering = (change: (answers: Answers) => Answers): GuestKind => kitOf((kit) => ({ answerFiles: (answers) => kit.answerFiles(change(answers)) }));

    test('QEMU is killed', async () => {
      const command = install();
      process.kill(await machinePid(command, 'install'), 'SIGKILL');
      const { exit, stderr } = await command.ended;
      expect(exit).toBe(3);
      expect(stderr).toMatch(/^error: QEMU of machine `install` died \(signal SIGKILL\).*\nhint: somebody killed it, perhaps the kernel for want of memory; its console is in `.*`$/m);
      expect(bench.stages().install).toEqual([]);
      await bench.expectNoTraces();
    });

    test('QEMU stands still', async () => {
      const command = install('--stall-timeout', '3s');
      const pid = await machinePid(command, 'install');
      process.kill(pid, 'SIGSTOP');
      const { exit, stderr } = await command.ended;
      expect(exit).toBe(3);
      expect(stderr).toMatch(/^error: the installation hangs: nothing happened for 3 s in step `the first sign of life`; its console is empty\nhint: .*--stall-timeout`$/m);
      expect(bench.stages().install).toEqual([]);
      await bench.expectNoTraces();
    });

    test('Ctrl-C', async () => {
      const command = install();
      await command.says(/install: boot/);
      interrupt(command);
      const { exit, stderr } = await command.ended;
      expect(exit).toBe(130);
      expect(stderr.endsWith(INTERRUPTED)).toBe(true);
      expect(bench.stages().install).toEqual([]);
      await bench.expectNoTraces();
    });

    test('the guest panics', async () => {
      const guest = kitOf((kit) => ({ installMachine: (options) => withAppend(kit.installMachine(options), 'console=ttyS0 panic=-1 rdinit=/nothing root=/dev/nothing') }));
      await expect(installed(guest)).rejects.toThrow(/^the installation failed: the guest restarted, as after a panic; the last line of its console: .*Kernel panic/);
    });

    test('the guest refuses an archive', async () => {
      const guest = answering((answers) => ({ ...answers, archives: answers.archives.map((each, i) => (i === 1 ? { ...each, digest: { algorithm: 'sha512', hex: '0'.repeat(128) } } : each)) }));
      await expect(installed(guest)).rejects.toThrow(/^the installation failed: the guest says: x86_64\/release\/\S+: wrong sha512$/);
    });

    test('the guest says that it is installed, but with another number', async () => {
      await expect(installed(answering((answers) => ({ ...answers, nonce: 'another' })))).rejects.toThrow('the installation failed: the guest powered off without saying that it is installed');
      expect(bench.stages().install).toEqual([]);
      expect(namesIn(join(bench.vmDir, 'work'))).toEqual([]);
    });

    test('we are killed: QEMU goes too, the next one is not disturbed, and `vm gc` removes the rest', async () => {
      const command = install();
      await machinePid(command, 'install');
      command.child.kill('SIGKILL');
      expect(await command.ended).toMatchObject({ signal: 'SIGKILL' });
      await expect.poll(() => processesOf(bench.temporary)).toEqual([]);
      expect(namesIn(join(bench.vmDir, 'work'))).toHaveLength(1);
      const { exit, stdout, stderr } = await install().ended;
      expect(exit, stderr).toBe(0);
      expect(bench.stages().install).toEqual([stdout.trim()]);
      expect(await gc()).toMatchObject({ exit: 0, stdout: 'removed: 1 leftover, 0 stages\n' });
      await bench.expectNoTraces();
    });
  });

  describe('snapshot', () => {
    const snapshot = (...words: string[]): RunningCommand => bench.startVm(['vm', 'snapshot', '--verbose', ...words]);

    test('QEMU is killed', async () => {
      const command = snapshot();
      process.kill(await machinePid(command, 'guest'), 'SIGKILL');
      const { exit, stderr } = await command.ended;
      expect(exit).toBe(3);
      expect(stderr).toMatch(/^error: QEMU of machine `guest` died \(signal SIGKILL\)/m);
      expect(bench.stages().snapshot).toEqual([]);
      await bench.expectNoTraces();
    });

    test('Ctrl-C', async () => {
      const command = snapshot();
      await command.says(/snapshot: boot/);
      interrupt(command);
      const { exit, stderr } = await command.ended;
      expect(exit).toBe(130);
      expect(stderr.endsWith(INTERRUPTED)).toBe(true);
      expect(bench.stages().snapshot).toEqual([]);
      await bench.expectNoTraces();
    });

    test('the guest does not boot in time', async () => {
      const { exit, stderr } = await snapshot('--boot-timeout', '1s').ended;
      expect(exit).toBe(3);
      expect(stderr).toMatch(/^error: machine `guest` did not say `ready` within 1000 ms\nhint: its console is in `.*`$/m);
      expect(bench.stages().snapshot).toEqual([]);
      await bench.expectNoTraces();
    });

    test.skipIf(userInfo().uid !== 0)('the disk is full (skipped: only root can mount a small one)', async () => {
      const own = bench.vmDir;
      const small = join(bench.path, 'small');
      mkdirSync(small);
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_MIB}m`, 'tmpfs', small]);
      bench.vmDir = small;
      onTestFinished(() => {
        bench.vmDir = own;
        execFileSync('umount', ['-l', small]);
      });
      cpSync(join(own, 'install'), join(small, 'install'), { recursive: true });
      copyFileSync(join(own, 'host.json'), join(small, 'host.json'));
      const command = snapshot();
      await command.says(/snapshot: boot/);
      try {
        writeFileSync(join(small, 'filler'), Buffer.alloc(SMALL_MIB * 1024 * 1024));
      } catch {
        // That is what it is for.
      }
      const { exit, stderr } = await command.ended;
      expect(exit).toBe(3);
      expect(stderr).toMatch(/^error: QEMU of machine `guest` died \(signal SIGBUS\).*\nhint: the file system of its RAM file is full/m);
      expect(bench.stages().snapshot).toEqual([]);
      await bench.expectNoTraces();
      const again = await snapshot().ended;
      expect(again.stderr).toMatch(/^error: no room for the RAM of the machine: 256 MiB are needed, \d+ MiB are free in `.*`\nhint: make room, or give the machine less memory$/m);
    });

    test('the same command works after all that', async () => {
      const { exit, stdout, stderr } = await snapshot().ended;
      expect(exit, stderr).toBe(0);
      expect(bench.stages().snapshot).toEqual([stdout.trim()]);
      await bench.expectNoTraces();
    });
  });

  describe('run', () => {
    const run = (script: string, ...words: string[]): RunningCommand => bench.startVm(['vm', 'run', '--verbose', ...words, '--', 'sh', '-c', script]);
    const file = (name: string): string => join(bench.vmDir, 'snapshot', bench.stages().snapshot[0] ?? '', name);
    /** Changes a file of the snapshot until the test is over. */
    const changed = (name: string, change: (bytes: Buffer) => Buffer): void => {
      const before = readFileSync(file(name));
      const { atime, mtime } = statSync(file(name));
      const put = (bytes: Buffer): void => {
        execFileSync('chmod', ['u+w', file(name)]);
        writeFileSync(file(name), bytes);
      };
      onTestFinished(() => {
        put(before);
        utimesSync(file(name), atime, mtime);
      });
      put(change(Buffer.from(before)));
    };
    const flipped = (offset: number) => (bytes: Buffer): Buffer => bytes.fill(0xa5, offset, offset + 4096);

    test('QEMU is killed', async () => {
      const command = run('echo begun; sleep 100');
      const pid = await machinePid(command, 'guest');
      await command.says(/begun/);
      process.kill(pid, 'SIGKILL');
      const { exit, stderr } = await command.ended;
      expect(exit).toBe(126);
      expect(stderr).toMatch(/^error: QEMU of machine `guest` died \(signal SIGKILL\)\nhint: .*its console is in/m);
      await bench.expectNoTraces();
    });

    test('Ctrl-C', async () => {
      const command = run('echo begun; sleep 100');
      await command.says(/begun/);
      interrupt(command);
      const { exit, stderr } = await command.ended;
      expect(exit).toBe(130);
      expect(stderr.endsWith(INTERRUPTED)).toBe(true);
      await bench.expectNoTraces();
    });

    test('the guest panics: its console is kept, until `vm gc`', async () => {
      const { exit, stderr } = await run('echo c >/proc/sysrq-trigger; sleep 100').ended;
      expect(exit).toBe(126);
      const [, path = ''] = /^error: machine `guest` ended too early: the guest restarted, as after a panic\nhint: its console is in `(.*)`$/m.exec(stderr) ?? [];
      expect(readFileSync(path, 'latin1')).toMatch(/Kernel panic/);
      await bench.expectNoTraces();
      expect(await gc()).toMatchObject({ exit: 0, stdout: 'removed: 2 leftovers, 0 stages\n' });
      expect(namesIn(join(bench.vmDir, 'logs')).filter((name) => name.startsWith('run-'))).toEqual([]);
    });

    test('what serves the shares is killed: the guest connects again', async () => {
      const command = run('echo begun; until [ -n "$(ls in)" ]; do sleep 0.5; done; echo more >out/file && cat out/file; exit 5');
      onTestFinished(() => void command.child.kill());
      await command.says(/begun/);
      const servers = processesOf(bench.temporary).filter((line) => line.includes('smbd -s') && !line.includes('qemu'));
      expect(servers.length).toBeGreaterThan(0);
      for (const line of servers) process.kill(Number.parseInt(line, 10), 'SIGKILL');
      const [work = ''] = namesIn(join(bench.vmDir, 'work'));
      const xchg = join(bench.vmDir, 'work', work, 'xchg');
      writeFileSync(join(xchg, namesIn(xchg)[0] ?? '', 'in/go'), '');
      expect(await command.ended).toMatchObject({ exit: 5, stdout: 'begun\nmore\n' });
    });

    test('nothing serves the shares', async () => {
      const context = await contextWith(standIn);
      const snapshot = await findSnapshot(undefined, context);
      const servedBy = (smbd: string | undefined): StageContext => ({ ...context, host: { ...context.host, tools: { ...context.host.tools, smbd } } });
      const request = { argv: ['true'], environment: {}, timeoutMs: 60_000, isKept: false };
      const hooks = { onOutput: () => {} };
      await expect(runStage(servedBy(undefined), snapshot, request, hooks)).rejects.toThrow('`smbd` is not installed');
      await expect(runStage(servedBy('/bin/false'), snapshot, request, hooks)).rejects.toThrow(/: .*Host is down$/s);
    });

    test.each([
      ['state', 100_000],
      ['ram', 50_000_000],
      ['disk.qcow2', 65536],
    ])('a damaged file: %s', async (name, offset) => {
      changed(name, flipped(offset));
      const { exit, stderr } = await run('true').ended;
      expect(exit).toBe(126);
      const [key = ''] = bench.stages().snapshot;
      expect(stderr).toBe(`error: the snapshot is not what it was: \`${file(name)}\` is damaged: its sha256 is another one\nhint: remove it with \`cygstrap vm rm ${key}\`, and it is made anew\n`);
      await bench.expectNoTraces();
    });

    test('a state that is too short', async () => {
      changed('state', (bytes) => bytes.subarray(0, 1000));
      expect((await run('true').ended).stderr).toMatch(/^error: the snapshot is not what it was: `.*state` has 1000 bytes instead of \d+$/m);
    });

    test('a state that was damaged behind our back', async () => {
      const { atime, mtime } = statSync(file('state'));
      changed('state', flipped(2000));
      utimesSync(file('state'), atime, mtime);
      const { exit, stderr } = await run('true').ended;
      expect(exit).toBe(126);
      expect(stderr).toMatch(/^error: the snapshot is not what it was: `.*state` is damaged: its sha256 is another one$/m);
      await bench.expectNoTraces();
    });

    test('a snapshot of another machine is not taken', async () => {
      const context = await contextWith({ ...standIn, bootMachine: (options) => ({ ...standIn.bootMachine(options), extraArguments: [] }) });
      const snapshot = await findSnapshot(undefined, context);
      const shares = { store: bench.repo, xchg: bench.path };
      await expect(revive(context, { manifest: snapshot, shares, canBootInstead: false })).rejects.toThrow(/^the snapshot cannot go on here: /);
    });

    test('a snapshot of another QEMU: its disk is booted, and that is said', async () => {
      changed('stage.json', (bytes) => Buffer.from(bytes.toString().replace(/"qemu": ".*"/, '"qemu": "1.2.3"')));
      const { exit, stdout, stderr } = await run('cat /proc/uptime >&2; echo cold; exit 4', '--json').ended;
      expect(exit).toBe(4);
      expect(stderr).toMatch(/^warning: the snapshot cannot go on here, so its disk is booted instead, which takes longer: it was made by QEMU 1\.2\.3, and here is \d/m);
      expect(JSON.parse(stdout)).toMatchObject({ code: 4, isCold: true });
    });

    test('stages: listed; never removed while they are used or stood on', async () => {
      const { install: [install = ''], snapshot: [snapshot = ''] } = bench.stages();
      await gc();
      const command = run('echo begun; sleep 100');
      onTestFinished(() => void command.child.kill());
      await command.says(/begun/);
      const listed = JSON.parse((await bench.vm(['vm', 'ls', '--json'])).stdout) as { stages: unknown[] };
      expect(listed.stages).toMatchObject([
        { stage: 'install', key: install, guest: 'stand-in', isInUse: true, madeOf: expect.stringContaining('gcc-core openssh') as string },
        { stage: 'snapshot', key: snapshot, isInUse: true, madeOf: expect.stringContaining(`install ${install.slice(0, 12)}, QEMU `) as string },
      ]);
      expect(await bench.vm(['vm', 'rm', snapshot])).toMatchObject({ exit: 2, stderr: `error: snapshot ${snapshot} is in use\nhint: wait for the runs that use it\n` });
      expect(await gc('--older-than', '1s')).toMatchObject({ exit: 0, stdout: 'removed: 0 leftovers, 0 stages\n' });
      interrupt(command);
      await command.ended;
      expect(await bench.vm(['vm', 'rm', install.slice(0, 6)])).toMatchObject({ exit: 2, stderr: `error: snapshot ${snapshot} stands on install ${install}\nhint: remove that too\n` });
      expect(await bench.vm(['vm', 'rm', 'nosuchkey'])).toMatchObject({ exit: 2, stderr: 'error: no stage has a key that begins with `nosuchkey`\nhint: `cygstrap vm ls` lists them\n' });
      expect(await bench.vm(['vm', 'rm', install, snapshot])).toMatchObject({ exit: 0, stdout: `removed: snapshot ${snapshot}\nremoved: install ${install}\n` });
      expect(await bench.vm(['vm', 'ls'])).toMatchObject({ exit: 0, stdout: 'no stages yet\n' });
      expect(await bench.vm(['vm', 'run', '--', 'true'])).toMatchObject({ exit: 2, stderr: expect.stringContaining('error: there is no snapshot yet\n') as string });
    });
  });
});
