import type { Event, Report } from '../events.ts';
import { countText, printable, sizeText } from '../report/text.ts';
import { UsageError } from './failure.ts';
import type { Host, Output } from './output.ts';

/** What a command line leads to, once it is understood; gives the exit code. */
export type Task = (session: Session) => Promise<number>;

/** Takes the task of the command that was named. */
export type Choose = (task: Task) => void;

export interface Session {
  readonly host: Host;
  readonly output: Output;
  /** The words after `--`, for commands that run another one. */
  readonly command: readonly string[];
}

/** How much is said on stderr. */
export interface Loudness {
  readonly quiet?: boolean | undefined;
  readonly verbose?: boolean | undefined;
}

/** Renders events on stderr: warnings unless quiet, the rest only when verbose. */
export function reporter(output: Output, { quiet, verbose }: Loudness): Report {
  return (event) => {
    if (event.kind === 'warning') {
      if (quiet !== true) output.note('warning', printable(event.message));
    } else if (verbose === true && event.kind !== 'transfer-bytes') output.note('note', printable(eventText(event)));
  };
}

function eventText(event: Exclude<Event, { kind: 'warning' | 'transfer-bytes' }>): string {
  switch (event.kind) {
    case 'note':
      return event.message;
    case 'index-read': {
      const { name, sizeBytes, packages, isFromCache, durationMs } = event;
      return `read \`${name}\`: ${sizeText(sizeBytes)}${isFromCache ? ' (unpacked text from the cache)' : ''}, ${countText(packages, 'package')}, ${durationText(durationMs)}`;
    }
    case 'fetch-start': {
      const { files, sizeBytes, presentFiles, presentBytes } = event;
      return `${countText(files, 'file')}, ${sizeText(sizeBytes)}; ${presentFiles} of them (${sizeText(presentBytes)}) are there already`;
    }
    case 'transfer-start':
      return `\`${event.path}\` from ${event.site}${event.fromByte > 0 ? `, going on at byte ${event.fromByte}` : ''}`;
    case 'transfer-done':
      return `\`${event.path}\`: ${sizeText(event.sizeBytes)}, ${durationText(event.durationMs)}`;
    case 'transfer-failed':
      return `\`${event.path}\` from ${event.site}: ${event.why}${event.retryInMs === undefined ? '' : `; trying again in ${durationText(event.retryInMs)}`}`;
    case 'site-demoted':
      return `${event.site} is tried last from now on: ${event.why}`;
    case 'stage-start':
    case 'stage-reused':
    case 'stage-step':
    case 'stage-done':
      return stageText(event) ?? '';
    case 'resolved':
      return `resolved: ${countText(event.packages, 'package')}, ${durationText(event.durationMs)}`;
    default:
      return event satisfies never;
  }
}

/** Says how the stages of a machine go; undefined for all other events. */
export function stageText(event: Event): string | undefined {
  if (event.kind === 'stage-start') return `${event.stage} ${event.key.slice(0, 12)}: making it`;
  if (event.kind === 'stage-reused') return `${event.stage} ${event.key.slice(0, 12)}: is there already`;
  if (event.kind === 'stage-step')
    return `${event.stage}: ${event.text}${event.step === undefined ? '' : ` ${event.step.number}/${event.step.of}`}`;
  if (event.kind === 'stage-done')
    return `${event.stage} ${event.key.slice(0, 12)}: ready after ${(event.durationMs / 1000).toFixed(1)} s`;
  return undefined;
}

function durationText(durationMs: number): string {
  return `${durationMs.toFixed(0)} ms`;
}

/** Options of reading indexes, as yargs gives them. */
export interface ReadingArguments extends Loudness {
  readonly index?: readonly string[] | undefined;
  readonly lenient?: boolean | undefined;
  readonly noCache?: boolean | undefined;
}

/** Opens the indexes a command line names; answers in text need no `digest` of them. Throws `usage` when it names none, or stdin for more than one thing. */
export async function openCatalog(
  session: Session,
  args: ReadingArguments,
  { takesStdin = false, digest = true } = {},
) {
  const names = args.index ?? [];
  if (names.length === 0) {
    throw new UsageError(
      'no index is given',
      'name one with `--index`, for example `--index x86_64/setup.xz`; every Cygwin mirror has it',
    );
  }
  if (names.filter((name) => name === '-').length + (takesStdin ? 1 : 0) > 1)
    throw new UsageError('stdin can be read for one thing only');
  const { loadCatalog } = await import('../api/load-catalog.ts');
  return loadCatalog(names, {
    stdin: session.host.stdin,
    lenient: args.lenient === true,
    cache: args.noCache !== true,
    env: session.host.env,
    digest,
    report: reporter(session.output, args),
  });
}
