import type { Argv } from 'yargs';
import { UsageError } from './failure.ts';

/** Every option that is a bare flag: yargs takes `--test=maybe` for false without a word, `rejectFlagValues` does not. */
const FLAGS = [
  'json',
  'quiet',
  'verbose',
  'lenient',
  'no-cache',
  'no-base',
  'test',
  'source',
  'regexp',
  'help',
  'version',
  'check',
  'update',
  'allow-undigested',
  'unsigned',
  'frozen',
  'all',
  'full-index',
  'installer',
  'dry-run',
  'benchmark',
  'quick',
  'repair',
  'yes',
  'fix',
  'portable',
  'all-env',
  'keep',
  'http2',
];

/** Throws for a flag that is given a value, as in `--json=yes`. */
export function rejectFlagValues(argv: readonly string[]): void {
  for (const word of beforeDashes(argv)) {
    const flag = FLAGS.find((name) => word.startsWith(`--${name}=`));
    if (flag !== undefined) throw new UsageError(`--${flag} takes no value: \`${word}\``);
  }
}

/** Whether the command line asks for JSON, known before it is understood, so that its faults can be told in JSON too. */
export function asksForJson(argv: readonly string[]): boolean {
  const words = beforeDashes(argv);
  return words.some(
    (word, i) => word === '--json' || word === '--format=json' || (word === '--format' && words[i + 1] === 'json'),
  );
}

/** Stands in for a lone `-`, which yargs takes for an option without a name; no argument can hold a NUL. */
const LONE_DASH = '\0-';

/** Makes lone dashes safe from yargs. */
export function protectDashes(argv: readonly string[]): string[] {
  return argv.map((word) => (word === '-' ? LONE_DASH : word));
}

/** Gives lone dashes back, in a value or a message. */
export function restoreDashes(text: string): string {
  return text.replaceAll(LONE_DASH, '-');
}

function beforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return end < 0 ? argv : argv.slice(0, end);
}

/** Makes a `coerce` for options that may be given once only; yargs gathers repeats in a list. */
export function once<T = string>(name: string): (value: T | readonly T[] | undefined) => T | undefined {
  return (value) => {
    if (Array.isArray(value)) throw new UsageError(`--${name} is given more than once`);
    return value as T | undefined;
  };
}

/** Splits repeated and comma-separated values into one list. */
export function splitList(values: readonly string[] | undefined): string[] {
  return (values ?? []).flatMap((value) => value.split(',')).filter((value) => value !== '');
}

const READING = 'Reading:';
const REQUEST = 'Request:';
const OUTPUT = 'Output:';

/** How an index is read, wherever its name comes from, and how much is said. */
export function withReadingOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('lenient', {
      type: 'boolean',
      group: READING,
      describe: 'Leave out what setup would refuse, with a warning',
    })
    .option('no-cache', {
      type: 'boolean',
      group: READING,
      describe: 'Neither use nor write the cache of unpacked indexes',
    })
    .option('json', { type: 'boolean', group: OUTPUT, describe: 'Print JSON; README tells its fields' })
    .option('quiet', { type: 'boolean', group: OUTPUT, describe: 'Say nothing on stderr but errors' })
    .option('verbose', {
      type: 'boolean',
      group: OUTPUT,
      describe: 'Tell on stderr what is read and how long it takes',
    });
}

/** Options of every command that takes its indexes by `--index`. */
export function withIndexOptions<T>(yargs: Argv<T>) {
  return withReadingOptions(
    yargs.option('index', {
      type: 'string',
      array: true,
      requiresArg: true,
      group: READING,
      coerce: (values: readonly string[] | undefined) => values?.map(restoreDashes),
      describe: 'A setup.ini, plain or compressed, or - for stdin; repeat to merge several',
    }),
  );
}

/** Options that make a request. */
export function withRequestOptions<T>(yargs: Argv<T>) {
  const list = { type: 'string', array: true, requiresArg: true, group: REQUEST } as const;
  const flag = { type: 'boolean', group: REQUEST } as const;
  const word = { type: 'string', requiresArg: true, group: REQUEST } as const;
  return yargs
    .option('category', { ...list, describe: 'Whole categories too; repeat or separate by commas' })
    .option('no-base', { ...flag, describe: 'Leave out category Base, which setup always installs' })
    .option('test', { ...flag, describe: 'Let test versions count like any other' })
    .option('source', { ...flag, describe: 'The sources of all packages too' })
    .option('build-depends', { ...list, describe: 'What building these packages needs too' })
    .option('windows', { ...word, coerce: once('windows'), describe: 'Windows to install on [default: 10.0.19045]' })
    .option('installed', {
      ...word,
      coerce: once('installed'),
      describe: 'An installed.db: plan the update of that Cygwin',
    });
}

const FORMATS = ['table', 'tree', 'json', 'urls', 'nix', 'dot'] as const;

/** How a plan is printed. */
export type Format = (typeof FORMATS)[number];

/** Options of `resolve` alone. */
export function withPlanOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('format', {
      choices: FORMATS,
      requiresArg: true,
      group: OUTPUT,
      coerce: once<Format>('format'),
      describe: 'How the plan is printed [default: table]',
    })
    .option('site', {
      type: 'string',
      requiresArg: true,
      group: OUTPUT,
      coerce: once('site'),
      describe: 'Put before every path in urls and nix',
    })
    .option('batch', {
      type: 'string',
      requiresArg: true,
      group: REQUEST,
      coerce: (value: string | readonly string[] | undefined) =>
        once('batch')(typeof value === 'string' ? restoreDashes(value) : value),
      describe: 'Answer a file of JSON requests, one a line; - for stdin',
    });
}
