import type { VmDirectory } from '../../api/vm-context.ts';
import type { StageListing } from '../../api/vm-stages.ts';
import { columns, countText, sizeText } from '../../report/text.ts';
import { defineCommand, parsed, some } from '../options/declare.ts';
import { EXIT_DONE } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import type { Session } from '../terminal/session.ts';
import { durationMs } from '../options/units.ts';
import { VM_OPTIONS } from '../options/vm.ts';
import type { VmArguments } from '../options/vm.ts';

export const vmLsCommand = defineCommand({
  name: 'vm ls',
  summary: 'List the stages with their keys, sizes, ages and origins',
  options: VM_OPTIONS,
  run: list,
});

export const vmRmCommand = defineCommand({
  name: 'vm rm',
  summary: 'Remove stages that are not in use',
  positionals: { key: some('First characters of the keys of the stages') },
  options: VM_OPTIONS,
  run: remove,
});

export const vmGcCommand = defineCommand({
  name: 'vm gc',
  summary: 'Remove the leftovers of interrupted work, images unused for 30 days, and old stages',
  options: {
    ...VM_OPTIONS,
    'older-than': parsed(
      'TIME',
      'Also remove stages that are older, such as 30d, and not in use, and images unused for this time',
      durationMs,
    ),
  },
  run: collect,
});

function directoryOf({ host }: Session, { vmDir }: VmArguments): VmDirectory {
  return { directory: vmDir, env: host.env };
}

async function list(session: Session, args: VmArguments): Promise<number> {
  const { listStages, warningOf } = await import('../../api/vm-stages.ts');
  const stages = await listStages(directoryOf(session, args));
  if (args.json) await session.output.json({ schema: (await import('../../report/json.ts')).SCHEMA, stages });
  else await session.output.data(stages.length === 0 ? 'no stages yet\n' : columns(stages.map(row)));
  for (const stage of stages) {
    const warning = warningOf(stage, Date.now());
    if (warning !== undefined) session.output.note('warning', warning);
  }
  return EXIT_DONE;
}

function row({ stage, key, guest, usedBytes, madeMs, isInUse, madeOf, evaluationEnds }: StageListing): string[] {
  return [
    key.slice(0, 12),
    stage,
    guest ?? '-',
    sizeText(usedBytes),
    ageText(Date.now() - madeMs),
    isInUse ? 'in use' : '-',
    `${madeOf}${evaluationEnds === null ? '' : `, evaluation until ${evaluationEnds.slice(0, 10)}`}`,
  ];
}

function ageText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

async function remove(session: Session, args: VmArguments & { readonly key: readonly string[] }): Promise<number> {
  const { removeStages } = await import('../../api/vm-stages.ts');
  const removed = await interruptible(async (signal) =>
    removeStages(args.key, { ...directoryOf(session, args), signal }),
  );
  if (args.json) await session.output.json({ schema: (await import('../../report/json.ts')).SCHEMA, removed });
  else await session.output.data(removed.map(({ stage, key }) => `removed: ${stage} ${key}\n`).join(''));
  return EXIT_DONE;
}

async function collect(
  session: Session,
  args: VmArguments & { readonly olderThan: number | undefined },
): Promise<number> {
  const { collectStages } = await import('../../api/vm-stages.ts');
  const { leftovers, removed, images } = await interruptible(async (signal) =>
    collectStages({ olderThanMs: args.olderThan, nowMs: Date.now() }, { ...directoryOf(session, args), signal }),
  );
  if (args.json)
    await session.output.json({ schema: (await import('../../report/json.ts')).SCHEMA, leftovers, removed, images });
  else
    await session.output.data(
      `removed: ${countText(leftovers.length, 'leftover')}, ${countText(removed.length, 'stage')}` +
        `${images.length === 0 ? '' : `, ${countText(images.length, 'unused image')}`}\n`,
    );
  return EXIT_DONE;
}
