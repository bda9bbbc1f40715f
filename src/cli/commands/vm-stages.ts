import type { Argv } from 'yargs';
import type { VmDirectory } from '../../api/vm-context.ts';
import type { StageListing } from '../../api/vm-stages.ts';
import { columns, countText, printable, sizeText } from '../../report/text.ts';
import { EXIT_DONE } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import type { Choose, Session } from '../session.ts';
import { durationMs } from '../units.ts';
import { withVmOptions } from './vm-options.ts';
import type { VmArguments } from './vm-options.ts';

/** Adds `vm ls`, `vm rm` and `vm gc`. */
export function addVmStages(yargs: Argv, choose: Choose): Argv {
  return yargs
    .command(
      'ls',
      'List the stages: sizes, ages, keys, what they were made of',
      (y) => withVmOptions(y),
      (args) => choose((session) => list(session, args)),
    )
    .command(
      'rm <key..>',
      'Remove stages; never one that is in use',
      (y) =>
        withVmOptions(y).positional('key', {
          type: 'string',
          array: true,
          demandOption: true,
          describe: 'Beginnings of keys',
        }),
      (args) => choose((session) => remove(session, args)),
    )
    .command(
      'gc',
      'Remove what interrupted work left, images unused for 30 days, and old stages',
      (y) =>
        withVmOptions(y).option('older-than', {
          type: 'string',
          requiresArg: true,
          coerce: durationMs('older-than'),
          describe:
            'Also stages made longer ago than this, such as 30d, that are not in use, and images unused for as long',
        }),
      (args) => choose((session) => collect(session, args)),
    );
}

function directoryOf({ host }: Session, { vmDir }: VmArguments): VmDirectory {
  return { directory: vmDir, environment: host.env };
}

async function list(session: Session, args: VmArguments): Promise<number> {
  const { listStages } = await import('../../api/vm-stages.ts');
  const stages = await listStages(directoryOf(session, args));
  if (args.json === true) await session.output.json({ schema: (await import('../../report/json.ts')).SCHEMA, stages });
  else await session.output.data(stages.length === 0 ? 'no stages yet\n' : printable(columns(stages.map(row))));
  return EXIT_DONE;
}

function row({ stage, key, guest, usedBytes, madeMs, isInUse, madeOf }: StageListing): string[] {
  return [
    key.slice(0, 12),
    stage,
    guest,
    sizeText(usedBytes),
    ageText(Date.now() - madeMs),
    isInUse ? 'in use' : '-',
    madeOf,
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
  if (args.json === true)
    await session.output.json({
      schema: (await import('../../report/json.ts')).SCHEMA,
      removed: removed.map(({ stage, key }) => ({ stage, key })),
    });
  else await session.output.data(removed.map(({ stage, key }) => `removed: ${stage} ${key}\n`).join(''));
  return EXIT_DONE;
}

async function collect(
  session: Session,
  args: VmArguments & { readonly olderThan?: number | undefined },
): Promise<number> {
  const { collectStages } = await import('../../api/vm-stages.ts');
  const { leftovers, stages, images } = await interruptible(async (signal) =>
    collectStages({ olderThanMs: args.olderThan, nowMs: Date.now() }, { ...directoryOf(session, args), signal }),
  );
  if (args.json === true)
    await session.output.json({
      schema: (await import('../../report/json.ts')).SCHEMA,
      leftovers,
      removed: stages.map(({ stage, key }) => ({ stage, key })),
      images,
    });
  else
    await session.output.data(
      `removed: ${countText(leftovers.length, 'leftover')}, ${countText(stages.length, 'stage')}${images.length === 0 ? '' : `, ${countText(images.length, 'unused image')}`}\n`,
    );
  return EXIT_DONE;
}
