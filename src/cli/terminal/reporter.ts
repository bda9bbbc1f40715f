import type { Event, Report } from '../../events.ts';
import { countText, sizeText } from '../../report/text.ts';
import type { OutputArguments } from '../options/options.ts';
import type { Output } from './output.ts';

/** How much is printed on stderr. */
export type Verbosity = Pick<OutputArguments, 'quiet' | 'verbose'>;

/** Returns a function that prints events on stderr: warnings unless quiet, all other events only when verbose. */
export function reporter(output: Output, { quiet, verbose }: Verbosity): Report {
  return (event) => {
    if (event.kind === 'warning') {
      if (!quiet) output.note('warning', event.message);
    } else if (verbose && event.kind !== 'transfer-bytes') output.note('note', eventText(event));
  };
}

function eventText(event: Exclude<Event, { kind: 'warning' | 'transfer-bytes' }>): string {
  switch (event.kind) {
    case 'note':
      return event.message;
    case 'index-read': {
      const { name, sizeBytes, packages, isFromCache, durationMs } = event;
      return (
        `read \`${name}\`: ${sizeText(sizeBytes)}` +
        `${isFromCache ? ' (decompressed text from the cache)' : ''}, ${countText(packages, 'package')}, ` +
        durationText(durationMs)
      );
    }
    case 'fetch-start': {
      const { files, sizeBytes, presentFiles, presentBytes } = event;
      return (
        `${countText(files, 'file')}, ${sizeText(sizeBytes)}; ${presentFiles} of them already present ` +
        `(${sizeText(presentBytes)})`
      );
    }
    case 'list-start':
      return `${countText(event.archives, 'archive')} to list, ${sizeText(event.sizeBytes)}`;
    case 'archive-listed':
      return `listed \`${event.path}\`: ${sizeText(event.sizeBytes)}, ${durationText(event.durationMs)}`;
    case 'transfer-start':
      return `\`${event.path}\` from ${event.site}${event.fromByte > 0 ? `, resumed at byte ${event.fromByte}` : ''}`;
    case 'transfer-done':
      return `\`${event.path}\`: ${sizeText(event.sizeBytes)}, ${durationText(event.durationMs)}`;
    case 'transfer-failed':
      return (
        `\`${event.path}\` from ${event.site}: ${event.why}` +
        (event.retryInMs === undefined ? '' : `; retry in ${durationText(event.retryInMs)}`)
      );
    case 'site-demoted':
      return `${event.site} moved to the end of the list of sites: ${event.why}`;
    case 'machine-start':
      return `machine \`${event.name}\` is running: process ${event.pid}, console in \`${event.consoleLog}\``;
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

/** Returns the text of an event about a stage of a machine; undefined for all other events. */
export function stageText(event: Event): string | undefined {
  if (event.kind === 'stage-start') {
    const edition = event.edition === undefined ? '' : `, ${event.edition}`;
    return `${event.stage} ${event.key.slice(0, 12)}: started${edition}`;
  }
  if (event.kind === 'stage-reused') return `${event.stage} ${event.key.slice(0, 12)}: already exists`;
  if (event.kind === 'stage-step')
    return `${event.stage}: ${event.text}${event.step === undefined ? '' : ` ${event.step.number}/${event.step.of}`}`;
  if (event.kind === 'stage-done')
    return `${event.stage} ${event.key.slice(0, 12)}: ready after ${(event.durationMs / 1000).toFixed(1)} s`;
  return undefined;
}

function durationText(durationMs: number): string {
  return `${durationMs.toFixed(0)} ms`;
}
