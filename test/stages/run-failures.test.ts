import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { findInstalled, findSnapshot } from '../../src/api/vm-find.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import { bootMachine } from '../../src/stages/boot.ts';
import type { StageContext } from '../../src/stages/context.ts';
import { runStage } from '../../src/stages/run.ts';
import { describeWith, whenThere } from '../support/qemu.ts';
import { Bench, INTERRUPTED, PROGRAMS, machinePid, namesIn, processesOf } from './support.ts';
import type { RunningCommand } from './support.ts';

describeWith(PROGRAMS, 'a failed run prints an error and leaves no files', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.make();
    for (const words of [
      ['vm', 'install'],
      ['vm', 'snapshot'],
    ]) {
      const { exit, stderr } = await (words[1] === 'install' ? bench.startMaking(words) : bench.startVm(words)).ended;
      expect(exit, stderr).toBe(0);
    }
  }, 180_000);
  afterAll(() => bench.remove());

  const run = (script: string, ...words: string[]): RunningCommand =>
    bench.startVm(['vm', 'run', '--verbose', ...words, '--', 'sh', '-c', script]);

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
    command.child.kill('SIGINT');
    const { exit, stderr } = await command.ended;
    expect(exit).toBe(130);
    expect(stderr.endsWith(INTERRUPTED)).toBe(true);
    await bench.expectNoTraces();
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('%s ends a shell', async (signal) => {
    const command = bench.startVm(['vm', 'shell', '--verbose'], { stdin: 'echo begun; sleep 100\n' });
    await command.says(/^begun$/m);
    expect(processesOf(bench.vmDir).filter((line) => line.includes('ssh.key'))).toHaveLength(1);
    command.child.kill(signal);
    const { exit, stderr } = await command.ended;
    expect(exit).toBe(130);
    expect(stderr.endsWith(INTERRUPTED)).toBe(true);
    expect(processesOf(bench.vmDir)).toEqual([]);
    await bench.expectNoTraces();
  });

  test('in a terminal, Ctrl-C is for the guest', async () => {
    if (!whenThere(['script'])) return;
    const command = bench.startVm(['vm', 'shell'], { inTerminal: true });
    onTestFinished(() => void command.child.kill());
    const type = (keys: string): void => void command.child.stdin?.write(keys);
    await command.says(/# $/);
    // A separate process, which Ctrl-C always ends: a shell can miss the signal between two commands.
    type(`sh -c 'echo be"gun"; exec sleep 100'; echo "not" so\n`);
    await command.says(/^begun\r$/m);
    type('\x03');
    // The terminal discards input that is typed before the prompt.
    await command.says(/\^C[^]*# $/);
    type('echo al"ive"; exit 9\n');
    const { exit, stdout } = await command.ended;
    expect(stdout).toMatch(/^alive\r$/m);
    expect(stdout).not.toMatch(/^not so\r$/m);
    expect(exit).toBe(9);
    await bench.expectNoTraces();
  });

  test('the guest panics: its console log is kept until `vm gc`', async () => {
    const { exit, stderr } = await run('echo c >/proc/sysrq-trigger; sleep 100').ended;
    expect(exit).toBe(126);
    const [, path = ''] =
      /^error: machine `guest` ended unexpectedly: the guest restarted, as after a panic\nhint: its console is in `(.*)`$/m.exec(
        stderr,
      ) ?? [];
    expect(readFileSync(path, 'latin1')).toMatch(/Kernel panic/);
    await bench.expectNoTraces();
    expect(await bench.gc()).toMatchObject({ exit: 0, stdout: 'removed: 2 leftovers, 0 stages\n' });
    expect(namesIn(join(bench.vmDir, 'logs')).filter((name) => name.startsWith('run-'))).toEqual([]);
  });

  test('smbd is killed: the guest connects again', async () => {
    const command = run(
      'echo begun; until [ -n "$(ls in)" ]; do sleep 0.5; done; echo more >out/file && cat out/file; exit 5',
    );
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

  test('smbd cannot serve the shares', async () => {
    const context = await bench.context(standIn);
    const snapshot = await findSnapshot(undefined, context);
    const servedBy = (smbd: string | undefined): StageContext => ({
      ...context,
      host: { ...context.host, tools: { ...context.host.tools, smbd } },
    });
    const request = { argv: ['true'], environment: {}, timeoutMs: 60_000, isKept: false };
    const hooks = { onOutput: () => {} };
    await expect(runStage(servedBy(undefined), snapshot, request, hooks)).rejects.toThrow('`smbd` is not installed');
    await expect(runStage(servedBy('/bin/false'), snapshot, request, hooks)).rejects.toThrow(/: .*Host is down$/s);
  });

  test('a guest kind without overlays', async () => {
    const { overlayStore, ...commands } = standIn.commands;
    expect(overlayStore).toBeDefined();
    const own = await bench.context(standIn);
    const context = { ...own, guest: { ...standIn, name: 'plain', mountsShares: false, commands } };
    const snapshot = await findSnapshot(undefined, own);
    const request = { argv: ['true'], environment: {}, isStoreWritable: true, timeoutMs: 60_000, isKept: false };
    await expect(runStage(context, snapshot, request, { onOutput: () => {} })).rejects.toMatchObject({
      code: 'usage',
      message: 'guests of kind `plain` cannot write to their share `store`',
    });
    const installed = await findInstalled(undefined, own);
    const share = { tag: 'src', path: bench.repo, access: 'overlay' } as const;
    const hooks = { onLine: async () => {}, onSsh: () => {}, shutdown: new AbortController().signal };
    await expect(
      bootMachine(context, { installed, machineOptions: {}, shares: [share], switches: [] }, hooks),
    ).rejects.toMatchObject({ code: 'usage', message: 'guests of kind `plain` do not support overlays' });
  });

  test('stages are listed, and not removed while a run uses them or a snapshot depends on them', async () => {
    const {
      install: [install = ''],
      snapshot: [snapshot = ''],
    } = bench.stages();
    await bench.gc();
    const command = run('echo begun; sleep 100');
    onTestFinished(() => void command.child.kill());
    await command.says(/begun/);
    const listed = JSON.parse((await bench.vm(['vm', 'ls', '--json'])).stdout) as { stages: unknown[] };
    expect(listed.stages).toMatchObject([
      {
        stage: 'install',
        key: install,
        guest: 'stand-in',
        isInUse: true,
        madeOf: expect.stringContaining('gcc-core openssh') as string,
      },
      {
        stage: 'snapshot',
        key: snapshot,
        isInUse: true,
        madeOf: expect.stringContaining(`install ${install.slice(0, 12)}, QEMU `) as string,
      },
    ]);
    expect(await bench.vm(['vm', 'rm', snapshot])).toMatchObject({
      exit: 2,
      stderr: `error: snapshot ${snapshot} is in use\nhint: wait for the runs that use it\n`,
    });
    expect(await bench.gc('--older-than', '1s')).toMatchObject({ exit: 0, stdout: 'removed: 0 leftovers, 0 stages\n' });
    command.child.kill('SIGINT');
    await command.ended;
    expect(await bench.vm(['vm', 'rm', install.slice(0, 6)])).toMatchObject({
      exit: 2,
      stderr: `error: snapshot ${snapshot} depends on install ${install}\nhint: remove the snapshot too\n`,
    });
    expect(await bench.vm(['vm', 'rm', 'nosuchkey'])).toMatchObject({
      exit: 2,
      stderr: 'error: no stage has a key that starts with `nosuchkey`\nhint: `cygstrap vm ls` lists them\n',
    });
    expect(await bench.vm(['vm', 'rm', install, snapshot])).toMatchObject({
      exit: 0,
      stdout: `removed: snapshot ${snapshot}\nremoved: install ${install}\n`,
    });
    expect(namesIn(join(bench.vmDir, 'integrity'))).toEqual([]);
    expect(await bench.vm(['vm', 'ls'])).toMatchObject({ exit: 0, stdout: 'no stages yet\n' });
    expect(await bench.vm(['vm', 'run', '--', 'true'])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('error: there is no snapshot\n') as string,
    });
  });
});
