import { DEFAULTS } from '../../api/defaults.ts';
import type { ListedSite, SitesResult } from '../../api/sites.ts';
import { columns, countText, sizeText } from '../../report/text.ts';
import { defineCommand, documentDefault, flag, list, needing, optional, splitList, value } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_DONE, EXIT_NO, EXIT_WORLD } from '../terminal/failure.ts';
import { OUTPUT_OPTIONS } from '../options/options.ts';
import { reporter } from '../terminal/reporter.ts';
import { pathOrUrlOf } from '../options/path.ts';
import type { Session } from '../terminal/session.ts';
import { CA_FILE, MIN_RATE, siteOptionsOf } from '../options/sites.ts';
import { interruptible } from '../terminal/interrupt.ts';

const OPTIONS = {
  region: list('NAME', 'List only mirrors of these regions or countries; repeat, or separate by commas'),
  benchmark: flag('Measure every mirror, and list the fastest first'),
  path: needing(
    documentDefault(value('PATH', 'Measure with this file of each mirror'), DEFAULTS.benchmarkPath),
    'benchmark',
  ),
  'ca-file': CA_FILE,
  'min-rate': MIN_RATE,
  ...OUTPUT_OPTIONS,
};

export const sitesCommand = defineCommand({
  name: 'sites',
  summary: 'List the mirrors of a mirrors.lst, and measure them',
  positionals: { list: optional(`URL or file name of a mirrors.lst [default: ${DEFAULTS.mirrorList}]`, pathOrUrlOf) },
  options: OPTIONS,
  examples: [
    ['sites --region Europe --benchmark', "the fastest of Cygwin's mirrors in Europe"],
    ['sites mirrors.lst --region Germany,France --json', 'from a file'],
  ],
  run: listMirrors,
});

async function listMirrors(
  { host, output }: Session,
  args: Arguments<typeof OPTIONS> & { readonly list: string | undefined },
): Promise<number> {
  const { listSites } = await import('../../api/sites.ts');
  const query = {
    ...(args.list !== undefined && { list: args.list }),
    regions: splitList(args.region),
    ...(args.benchmark && { benchmarkPath: args.path ?? DEFAULTS.benchmarkPath }),
  };
  const context = { siteOptions: siteOptionsOf(args), env: host.env, report: reporter(output, args) };
  const result = await interruptible((signal) => listSites(query, { ...context, signal }));
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, ...result });
  } else {
    await output.data(sitesText(result, args.benchmark));
    if (!args.quiet) for (const note of notesOn(result)) output.note('note', note);
  }
  if (result.sites.length === 0) return EXIT_NO;
  return result.sites.every(({ why }) => why !== undefined) ? EXIT_WORLD : EXIT_DONE;
}

function sitesText({ sites: listed }: SitesResult, isMeasured: boolean): string {
  if (!isMeasured) return columns(listed.map(({ url, region, country }) => [url, region, country]));
  return columns(
    listed.map((site) => [...speedOf(site), site.url, site.region, site.country, site.why ?? '']),
    [0, 1],
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
      ? [`${countText(leftOut, 'mirror')} left out: no longer offered by setup, or neither http nor https`]
      : []),
    ...(listed.length === 0 ? [`no mirror matches; the list has ${regions.join(', ')}`] : []),
  ];
}
