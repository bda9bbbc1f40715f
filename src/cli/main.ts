import { setFlagsFromString } from 'node:v8';
import { COMMANDS, commandWords, nearestCommand } from './commands.ts';
import { COMPLETE } from './terminal/completion-scripts.ts';
import type { Command } from './options/declare.ts';
import { EXIT_BUG, EXIT_DONE, EXIT_WORLD, UsageError, reportFailure } from './terminal/failure.ts';
import { requestsJson } from './options/options.ts';
import { Output } from './terminal/output.ts';
import type { Host } from './terminal/output.ts';
import { parseWords } from './options/parse.ts';

/** Runs the command line of a process and sets its exit code; never throws. A process that has nothing left to wait for
 *  before its command has ended reports that as a bug: Node.js would end it without a message. An error that nothing
 *  catches is reported like any other and ends the process: Node.js would print its stack and exit with 1. `run` is for
 *  tests. */
export async function runProcess(own: NodeJS.Process, run: typeof main = main): Promise<void> {
  const argv = own.argv.slice(2);
  const onIdle = (): void => {
    own.exitCode = EXIT_BUG;
    void report(new Error('the command stopped before its end: it waits for nothing'), new Output(own), argv, own.env);
  };
  own.once('beforeExit', onIdle);
  const runIn = async (directory: string | undefined, words: readonly string[]): Promise<number> => {
    try {
      if (directory === undefined) throw new UsageError('-C needs a value: `-C DIR`');
      own.chdir(directory);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      const failure =
        error instanceof UsageError ? error : new UsageError(`cannot change to directory \`${directory}\`: ${code}`);
      return report(withHelpHint(failure, []), new Output(own), words, own.env);
    }
    return run(words, own);
  };
  const onUncaught = async (thrown: unknown): Promise<void> =>
    own.exit(await report(thrown, new Output(own), argv, own.env));
  own.on('uncaughtException', (thrown) => void onUncaught(thrown));
  const code = await (argv[0] === '-C' ? runIn(argv[1], argv.slice(2)) : run(argv, own));
  own.off('beforeExit', onIdle);
  own.exitCode = code;
}

/** Runs one command line (without the node and script words) and returns its exit code; never throws, never exits. */
export async function main(argv: readonly string[], host: Host): Promise<number> {
  const output = new Output(host);
  // Nearly all objects made of an index stay alive. With a large space for new objects V8 copies them less often.
  if (INDEX_READERS.has(argv[0] ?? '')) setFlagsFromString('--semi-space-growth-factor=16');
  try {
    if (argv[0] === COMPLETE) {
      const { completionsOf, packageNames } = await import('./completion.ts');
      const session = { host, output };
      const found = await completionsOf(argv.slice(1), (...typed) => packageNames(session, ...typed));
      await output.data(found.map((word) => `${word}\n`).join(''));
      return EXIT_DONE;
    }
    const helpOf = requestedHelp(argv);
    if (helpOf !== undefined) {
      const { helpText } = await import('./help.ts');
      await output.data(await helpText(helpOf));
      return EXIT_DONE;
    }
    const { command, words } = findCommand(argv);
    return await command.task(parseWords(command, words, host.env))({ host, output });
  } catch (error) {
    return await report(withHelpHint(error, argv), output, argv, host.env);
  }
}

async function report(
  error: unknown,
  output: Output,
  argv: readonly string[],
  environment: Host['env'],
): Promise<number> {
  try {
    return await reportFailure(error, output, requestsJson(argv, environment) ? 'json' : 'text');
  } catch {
    // Neither stdout nor stderr can be written.
    return EXIT_WORLD;
  }
}

/** Commands that read indexes and then exit. */
const INDEX_READERS: ReadonlySet<string> = new Set([
  'resolve',
  'why',
  'info',
  'search',
  'diff',
  'lint',
  'lock',
  'add',
  'remove',
  'update',
  'outdated',
]);

/** Returns the command line whose help or version is requested, in the form that yargs reads; undefined for any other
 *  command line. */
function requestedHelp(argv: readonly string[]): readonly string[] | undefined {
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  if (words[0] === 'help') {
    const [, ...command] = words;
    const known = commandWords(command);
    if (known.length < command.length) throw unknownCommand(known, command[known.length] ?? '');
    return [...command, '--help'];
  }
  const requests = ['--help', '-h', '--version', '-V'];
  return words.some((word) => requests.includes(word)) ? argv : undefined;
}

/** Finds the command that a command line begins with, and the words after its name. Throws UsageError without one. */
function findCommand(argv: readonly string[]): { readonly command: Command; readonly words: readonly string[] } {
  const name = commandWords(argv);
  const command = COMMANDS.find((each) => each.name === name.join(' '));
  if (command !== undefined) return { command, words: argv.slice(name.length) };
  const wrong = argv[name.length];
  if (wrong?.startsWith('-') && name.length === 0 && argv.some((_word, at) => commandWords(argv.slice(at)).length > 0))
    throw new UsageError(`the command comes first, before \`${wrong}\``);
  if (wrong === undefined || wrong.startsWith('-'))
    throw new UsageError(name.length === 0 ? 'no command is given' : `\`${name.join(' ')}\` needs a command`);
  throw unknownCommand(name, wrong);
}

function unknownCommand(group: readonly string[], wrong: string): UsageError {
  const near = nearestCommand([...group, wrong]);
  return new UsageError(
    `unknown command: \`${[...group, wrong].join(' ')}\``,
    near === undefined ? undefined : `did you mean \`${[...group, near].join(' ')}\`?`,
  );
}

/** Gives a usage error without a hint one that names the help of its command. */
function withHelpHint(error: unknown, argv: readonly string[]): unknown {
  if (!(error instanceof UsageError) || error.hint !== undefined) return error;
  return new UsageError(error.message, `run \`${['cygstrap', ...commandWords(argv), '--help'].join(' ')}\``);
}
