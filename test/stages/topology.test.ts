import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/qemu.ts';
import { Bench, NOTICE, PROGRAMS, machinePid, namesIn } from './support.ts';
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
    'a snapshot made with topology %s is resumed with every topology',
    async (made) => {
      for (const key of bench.stages().snapshot) expect((await bench.vm(['vm', 'rm', key])).exit).toBe(0);
      const { exit, stdout: key, stderr } = await bench.vm(['vm', 'snapshot', '--topology', made]);
      expect(exit, stderr).toBe(0);
      // All topologies use the same snapshot.
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
        expect(ran).toMatchObject({ exit: 7, stdout: 'said\n', stderr: `${NOTICE}more\n` });
        expect(namesIn(join(bench.path, `${made}-${other}`))).toEqual(['file']);
      }
      await bench.expectNoTraces();
    },
    240_000,
  );

  /** Starts a command that sleeps, and waits until it runs. */
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
  ])(
    '%s: an error when the %s is killed, while the command still sleeps; nothing is left',
    async (topology, victim) => {
      const command = await sleeping(topology);
      const pid =
        victim === 'switch'
          ? Number((await command.says(/vde switch started: process (\d+)/))[1])
          : await machinePid(command, victim);
      process.kill(pid, 'SIGKILL');
      const { exit, stderr } = await command.ended;
      expect(stderr).toMatch(
        victim === 'guest'
          ? /^error: QEMU of machine `guest` died/m
          : new RegExp(`^error: the ${victim} (?:died|ended unexpectedly)`, 'm'),
      );
      expect(exit).toBe(126);
      await bench.expectNoTraces();
    },
  );

  test.each(['vde', 'stream'])('%s: a timeout or an interruption ends all machines', async (topology) => {
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

  test('only topology direct has a terminal', async () => {
    expect(await bench.vm(['vm', 'shell', '--topology', 'stream'])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('error: a shell cannot be opened with topology `stream`\n') as string,
    });
  });
});
