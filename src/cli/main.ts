import yargs from 'yargs';
import type { Argv } from 'yargs';
import { CygstrapError } from '../errors.ts';
import { addBundle } from './commands/bundle.ts';
import { addDiff } from './commands/diff.ts';
import { addDoctor } from './commands/doctor.ts';
import { addFetch } from './commands/fetch.ts';
import { addInfo } from './commands/info.ts';
import { addLint } from './commands/lint.ts';
import { addLock } from './commands/lock.ts';
import { addMedia } from './commands/media.ts';
import { addPrune } from './commands/prune.ts';
import { addResolve } from './commands/resolve.ts';
import { addSearch } from './commands/search.ts';
import { addServe } from './commands/serve.ts';
import { addSites } from './commands/sites.ts';
import { addVerify } from './commands/verify.ts';
import { addVm } from './commands/vm.ts';
import { addBuild } from './commands/vm-run.ts';
import { addWhy } from './commands/why.ts';
import { EXIT_DONE, EXIT_WORLD, UsageError, reportFailure } from './failure.ts';
import { asksForJson, protectDashes, rejectFlagValues, restoreDashes } from './options.ts';
import { Output } from './output.ts';
import type { Host } from './output.ts';
import type { Task } from './session.ts';
import { tuneV8 } from './v8.ts';
import { packageVersion } from './version.ts';

const EPILOGUE = `Exit codes: 0 done, 1 the answer is no, 2 usage, 3 a file or the network failed, 4 a bug in cygstrap, 130 interrupted.`;

/** Runs one command line (without the node and script words) and returns its exit code; never throws, never exits. */
export async function main(argv: readonly string[], host: Host): Promise<number> {
  const output = new Output(host);
  // Before anything else: each collection of small space on the way costs, and has V8 look through all of memory sooner.
  if (INDEX_READERS.has(argv[0] ?? '')) tuneV8('index');
  try {
    rejectFlagValues(argv);
    const { words, command } = split(argv);
    const task = await understand(words, output);
    return task === undefined ? EXIT_DONE : await task({ host, output, command });
  } catch (error) {
    return tell(withHelpHint(error, argv), output, argv);
  }
}

async function tell(error: unknown, output: Output, argv: readonly string[]): Promise<number> {
  try {
    return await reportFailure(error, output, asksForJson(argv) ? 'json' : 'text');
  } catch {
    // Nobody is left to be told.
    return EXIT_WORLD;
  }
}

/** Commands that read indexes and end. */
const INDEX_READERS: ReadonlySet<string> = new Set(['resolve', 'why', 'info', 'search', 'diff', 'lint', 'lock']);

const COMMANDS = [
  'resolve',
  'why',
  'info',
  'search',
  'diff',
  'lint',
  'lock',
  'fetch',
  'verify',
  'prune',
  'bundle',
  'media',
  'serve',
  'sites',
  'doctor',
  'vm',
  'build',
];

/** Takes the command that a guest is to run, which is none of ours to understand, off the words before `--`. */
function split(argv: readonly string[]): { readonly words: readonly string[]; readonly command: readonly string[] } {
  const at = argv[0] === 'vm' || argv[0] === 'build' ? argv.indexOf('--') : -1;
  return at < 0 ? { words: argv, command: [] } : { words: argv.slice(0, at), command: argv.slice(at + 1) };
}

/** Points a usage error that has no better hint to the help of the command at hand. */
function withHelpHint(error: unknown, argv: readonly string[]): unknown {
  if (!(error instanceof UsageError) || error.hint !== undefined) return error;
  const command = COMMANDS.find((name) => name === argv[0]);
  return new UsageError(error.message, `run \`cygstrap ${command === undefined ? '' : `${command} `}--help\``);
}

/** Finds what a command line asks for; help and the like are printed here and leave nothing to do. */
async function understand(argv: readonly string[], output: Output): Promise<Task | undefined> {
  let task: Task | undefined;
  let text = '';
  const choose = (chosen: Task): void => {
    task = chosen;
  };
  const parser = [
    addResolve,
    addWhy,
    addInfo,
    addSearch,
    addDiff,
    addLint,
    addLock,
    addFetch,
    addVerify,
    addPrune,
    addBundle,
    addMedia,
    addServe,
    addSites,
    addDoctor,
    addVm,
    addBuild,
  ]
    .reduce((y, add) => add(y, choose), basics())
    .completion('completion', 'Print a script that completes commands and options in bash or zsh');
  await parser.parseAsync(protectDashes(argv), {}, (_error: unknown, _args: unknown, printed: string) => {
    text = printed;
  });
  if (text !== '') await output.data(text.endsWith('\n') ? text : `${text}\n`);
  return task;
}

function basics(): Argv {
  return yargs()
    .scriptName('cygstrap')
    .usage("$0 COMMAND\n\nWorks out what Cygwin's setup would install, and makes repos that it installs from.")
    .epilogue(EPILOGUE)
    .parserConfiguration({
      'boolean-negation': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .locale('en')
    .wrap(100)
    .exitProcess(false)
    .showHelpOnFail(false)
    .strict()
    .recommendCommands()
    .demandCommand(1, 'no command is given')
    .version(packageVersion())
    .fail((message, error) => {
      if (error instanceof CygstrapError) throw error;
      throw new UsageError(restoreDashes(message || error.message));
    });
}
