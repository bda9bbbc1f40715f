import { DEFAULTS } from '../../api/defaults.ts';
import { MAX_LINES } from '../../report/lines.ts';
import { excluding, flag, grouped, list, parsed, value, documentDefault } from './declare.ts';
import type { Arguments } from './declare.ts';
import { pathOrUrlOf } from './path.ts';
import { KEEPING_OPTIONS, SITE_OPTIONS } from './sites.ts';
import { wholeNumber } from './units.ts';
import { variableOf } from './variables.ts';

/** How much a command prints, and in which form. */
export const OUTPUT_OPTIONS = grouped('Output', {
  json: flag('Print JSON; src/docs/json.md lists the fields', 'j'),
  quiet: flag('Print only errors on stderr', 'q'),
  verbose: flag('Print each step and its duration on stderr', 'v'),
});

/** How an index is read, wherever its name comes from. */
export const READING_OPTIONS = {
  ...grouped('Reading', {
    lenient: flag('Skip entries that setup would refuse, and print a warning for each'),
    'no-cache': flag('Neither read nor write the caches in the cache directory of the user'),
  }),
  ...OUTPUT_OPTIONS,
};

/** Returns the cache of a command: by default that of the user. */
export function cacheOf({ noCache }: { readonly noCache: boolean }): { readonly cacheDirectory?: null } {
  return noCache ? { cacheDirectory: null } : {};
}

/** Forms of a software bill of materials: CycloneDX 1.6, SPDX 2.3. */
export const SBOM_FORMATS = ['cyclonedx', 'spdx'] as const;

/** Options of every command that can read the indexes of sites. */
export const SOURCE_OPTIONS = { ...SITE_OPTIONS, ...KEEPING_OPTIONS, ...READING_OPTIONS };

/** An index is read from a file or from sites. */
export const INDEX_EXCLUDES = ['site', 'add-site', 'unsigned-site'];

/** Options of every command that reads indexes: files, or those of sites. */
export const INDEX_OPTIONS = {
  ...grouped('Reading', {
    index: excluding(
      list(
        'FILE',
        'Read this setup.ini, plain or compressed: a file, URL, or - for stdin; repeat to merge several',
        (text, option) => pathOrUrlOf(text, `--${option}`),
      ),
      INDEX_EXCLUDES,
    ),
  }),
  ...SOURCE_OPTIONS,
};

/** Options that make the request for a whole installation. */
export const REQUEST_OPTIONS = grouped('Request', {
  category: list('NAME', 'Add all packages of this category; repeat, or separate by commas'),
  'no-base': flag('Leave out category Base, which setup always installs'),
  test: flag('Treat test versions like any other version'),
  source: flag('Include the source archives of all packages'),
  'build-depends': list('NAME', 'Add the build dependencies of this package; repeat, or separate by commas'),
  windows: documentDefault(value('VERSION', 'Plan for this version or kind of Windows'), DEFAULTS.windows),
});

/** Options that make the request of a plan, also for an existing installation. */
export const PLAN_OPTIONS = {
  ...REQUEST_OPTIONS,
  ...grouped('Request', {
    installed: value('FILE', 'Plan the update of the installation that this installed.db describes'),
  }),
};

/** How long a plan is searched, and how much of it is printed. */
export const ANSWER_OPTIONS = {
  ...grouped('Request', {
    'solver-limit': documentDefault(
      parsed('N', 'Give up after N conflicts between packages', wholeNumber(0, 999_999_999)),
      `${DEFAULTS.solverLimit}`,
    ),
  }),
  ...grouped('Output', { full: flag(`Print trees and reasons of more than ${MAX_LINES} lines in full`) }),
};

export type OutputArguments = Arguments<typeof OUTPUT_OPTIONS>;
export type SourceArguments = Arguments<typeof SOURCE_OPTIONS>;
export type IndexArguments = Arguments<typeof INDEX_OPTIONS>;
export type RequestArguments = Arguments<typeof REQUEST_OPTIONS> & Partial<Arguments<typeof PLAN_OPTIONS>>;

/** Whether a command line or its environment requests JSON. Known before it is parsed, so that its errors can be JSON
 *  too. */
export function requestsJson(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  return (
    environment[variableOf('json')] === '1' ||
    environment[variableOf('format')] === 'json' ||
    words.some(
      (word, i) =>
        word === '--json' ||
        /^-\w*j\w*$/.test(word) ||
        word === '--format=json' ||
        (word === '--format' && words[i + 1] === 'json'),
    )
  );
}
