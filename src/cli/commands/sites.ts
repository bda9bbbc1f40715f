import type { Argv } from 'yargs';
import type { ListedSite, SitesResult } from '../../api/sites.ts';
import { columns, countText, printable, sizeText } from '../../report/text.ts';
import { EXIT_DONE, EXIT_NO, EXIT_WORLD, UsageError } from '../failure.ts';
import { once, splitList } from '../options.ts';
import { reporter } from '../session.ts';
import type { Choose, Loudness, Session } from '../session.ts';
import { siteOptionsOf } from '../sites.ts';

interface SitesArguments extends Loudness {
  readonly list?: string | undefined;
  readonly region?: readonly string[] | undefined;
  readonly benchmark?: boolean | undefined;
  readonly path?: string | undefined;
  readonly caFile?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
}

/** Adds `cygstrap sites`. */
export function addSites(yargs: Argv, choose: Choose): Argv {
  return yargs.command(
    'sites [list]',
    'List the mirrors of a mirrors.lst, and measure them',
    (y) =>
      y
        .positional('list', {
          type: 'string',
          describe: 'A mirrors.lst, as a URL or a file [default: https://cygwin.com/mirrors.lst]',
        })
        .option('region', {
          type: 'string',
          array: true,
          requiresArg: true,
          describe: 'Only mirrors of these regions or countries',
        })
        .option('benchmark', { type: 'boolean', describe: 'Measure every mirror, and list the fastest first' })
        .option('path', {
          type: 'string',
          requiresArg: true,
          coerce: once('path'),
          describe: 'The file to measure by [default: x86_64/setup.xz]',
        })
        .option('ca-file', {
          type: 'string',
          array: true,
          requiresArg: true,
          describe: 'Trust these certificate authorities too (PEM)',
        })
        .option('json', { type: 'boolean', group: 'Output:', describe: 'Print JSON; README tells its fields' })
        .option('quiet', { type: 'boolean', group: 'Output:', describe: 'Say nothing on stderr but errors' })
        .option('verbose', { type: 'boolean', group: 'Output:', describe: 'Tell on stderr what is tried' })
        .example('$0 sites --region Europe --benchmark', "the fastest of Cygwin's mirrors in Europe")
        .example('$0 sites mirrors.lst --region Germany,France --json', 'from a file'),
    (args) => choose((session) => sites(session, args)),
  );
}

async function sites({ host, output }: Session, args: SitesArguments): Promise<number> {
  if (args.path !== undefined && args.benchmark !== true) throw new UsageError('--path is for --benchmark');
  const { BENCHMARK_PATH, listSites, MIRROR_LIST_URL } = await import('../../api/sites.ts');
  const query = {
    list: args.list ?? MIRROR_LIST_URL,
    regions: splitList(args.region),
    ...(args.benchmark === true && { benchmarkPath: args.path ?? BENCHMARK_PATH }),
  };
  const result = await listSites(query, { ...siteOptionsOf(args, host.env), report: reporter(output, args) });
  if (args.json === true) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, ...result });
  } else {
    await output.data(sitesText(result, args.benchmark === true));
    if (args.quiet !== true) for (const note of notesOn(result)) output.note('note', printable(note));
  }
  if (result.sites.length === 0) return EXIT_NO;
  return result.sites.every(({ why }) => why !== undefined) ? EXIT_WORLD : EXIT_DONE;
}

function sitesText({ sites: listed }: SitesResult, isMeasured: boolean): string {
  if (!isMeasured) return printable(columns(listed.map(({ url, region, country }) => [url, region, country])));
  return printable(
    columns(
      listed.map((site) => [...speedOf(site), site.url, site.region, site.country, site.why ?? '']),
      [0, 1],
    ),
  );
}

function speedOf({ measured }: ListedSite): [rate: string, latency: string] {
  return measured === undefined
    ? ['-', '-']
    : [`${sizeText(Math.round(measured.rateBytesPerSecond))}/s`, `${measured.latencyMs.toFixed(0)} ms`];
}

function notesOn({ sites: listed, leftOut, regions, faults }: SitesResult): string[] {
  return [
    ...faults.map(({ line, message }) => `line ${line} is ${message}`),
    ...(leftOut > 0
      ? [`${countText(leftOut, 'mirror')} left out: not offered any more, or neither http nor https`]
      : []),
    ...(listed.length === 0 ? [`no mirror matches; the list has ${regions.join(', ')}`] : []),
  ];
}
