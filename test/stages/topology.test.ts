import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/qemu.ts';
import { Bench, PROGRAMS, machinePid, namesIn } from './support.ts';
import type { RunningCommand } from './support.ts';

const TOPOLOGIES = ['direct', 'vde', 'stream'] as const;

describeWith([...PROGRAMS, 'vde_switch'], 'topologies', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.make();
    bench.vmDir = join(bench.path, 'vm');
    const { exit, stderr } = await bench.startMaking(['vm', 'install']).ended;
    expect(exit, stderr).toBe(0);
  }, 180_000);
  afterAll(() => bench.remove());

  test.each(TOPOLOGIES)(
    'a snapshot made under %s goes on under every one',
    async (made) => {
      for (const key of bench.stages().snapshot) expect((await bench.vm(['vm', 'rm', key])).exit).toBe(0);
      const { exit, stdout: key, stderr } = await bench.vm(['vm', 'snapshot', '--topology', made]);
      expect(exit, stderr).toBe(0);
      // It is the same one to all of them.
      for (const other of TOPOLOGIES)
        expect(await bench.vm(['vm', 'snapshot', '--topology', other])).toMatchObject({ exit: 0, stdout: key });
      for (const other of TOPOLOGIES) {
        const ran = await bench.vm([
          'vm',
          'run',
          '--topology',
          other,
          '--out',
          join(bench.path, `${made}-${other}`),
          '--',
          'sh',
          '-c',
          'echo said; echo more >&2; echo left >out/file; exit 7',
        ]);
        expect(ran).toMatchObject({ exit: 7, stdout: 'said\n', stderr: 'more\n' });
        expect(namesIn(join(bench.path, `${made}-${other}`))).toEqual(['file']);
      }
      await bench.expectNoTraces();
    },
    240_000,
  );

  /** A command that goes on for long, in the middle of it. */
  const sleeping = async (topology: string, ...options: string[]): Promise<RunningCommand> => {
    const command = bench.startVm([
      'vm',
      'run',
      '--verbose',
      '--topology',
      topology,
      ...options,
      '--',
      'sh',
      '-c',
      'echo begun; sleep 600',
    ]);
    await command.says(/^begun$/m);
    return command;
  };

  test.each([
    ['stream', 'controller'],
    ['vde', 'controller'],
    ['vde', 'switch'],
    ['stream', 'guest'],
  ])('over %s the %s is killed: it is told at once, and nothing is left', async (topology, victim) => {
    const command = await sleeping(topology);
    const pid =
      victim === 'switch'
        ? Number((await command.says(/the switch runs: process (\d+)/))[1])
        : await machinePid(command, victim);
    const startMs = performance.now();
    process.kill(pid, 'SIGKILL');
    const { exit, stderr } = await command.ended;
    expect(performance.now() - startMs).toBeLessThan(5000);
    expect(stderr).toMatch(
      victim === 'guest' ? /^error: QEMU of machine `guest` died/m : new RegExp(`^error: the ${victim} died`, 'm'),
    );
    expect(exit).toBe(126);
    await bench.expectNoTraces();
  });

  test.each(['vde', 'stream'])('over %s time is up, or the user has enough: all machines end', async (topology) => {
    const late = await (await sleeping(topology, '--timeout', '8s')).ended;
    expect(late).toMatchObject({
      exit: 126,
      stderr: expect.stringContaining('error: the command did not end within 8 s\n') as string,
    });
    await bench.expectNoTraces();
    const stopped = await sleeping(topology);
    stopped.child.kill('SIGINT');
    expect(await stopped.ended).toMatchObject({ exit: 130 });
    await bench.expectNoTraces();
  });

  test('a terminal reaches only a guest of topology direct', async () => {
    expect(await bench.vm(['vm', 'shell', '--topology', 'stream'])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('error: a terminal reaches no guest of topology `stream`\n') as string,
    });
  });
});
