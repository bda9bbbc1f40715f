import { afterAll, beforeAll, expect } from 'vitest';
import { PROGRAMS, Bench } from '../stages/support.ts';
import { countSteps, killAt, momentsOf } from '../stages/kills.ts';
import type { Kills } from '../stages/kills.ts';
import { describeWith } from '../support/qemu.ts';
import { attack } from './support.ts';

const KILLS = 20;
/** What follows the kills, in turn: the space is reclaimed, nothing, or the command is run to its end. */
const THEN = ['collect', 'stay', 'collect', 'stay', 'finish'] as const;

describeWith(PROGRAMS, 'machines', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.make();
  });
  afterAll(() => bench.remove());

  for (const stage of ['install', 'snapshot'] as const) {
    let steps: number | undefined;
    const moments = momentsOf(KILLS).map((moment, i) => ({ moment, next: THEN[i % THEN.length] ?? 'finish' }));
    attack(
      `SIGKILL at a moment of \`vm ${stage}\``,
      'no process or lock left, complete stages only, space reclaimed',
      moments,
      async ({ moment, next }) => {
        const kills: Kills = {
          bench,
          stage,
          start: async (env) =>
            stage === 'install'
              ? bench.startMaking(['vm', 'install'], { env }).ended
              : bench.vm(['vm', 'snapshot'], { env }),
        };
        if (steps === undefined && stage === 'snapshot') {
          const { exit, stderr } = await bench.startMaking(['vm', 'install']).ended;
          expect(exit, stderr).toBe(0);
        }
        steps ??= await countSteps(kills);
        await killAt(kills, moment, steps, next);
      },
    );
  }
});
