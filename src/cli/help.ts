import yargs from 'yargs';
import type { Argv, Options as YargsOptions, PositionalOptions } from 'yargs';
import { COMMANDS, GROUPS } from './commands.ts';
import type { Command, Option, Positional } from './options/declare.ts';
import { packageVersion } from '../api/version.ts';

const EPILOGUE =
  'A variable sets an option too: CYGSTRAP_ and its name, such as CYGSTRAP_JOBS=8; see `cygstrap config`.\n' +
  'Exit codes: 0 done, 1 the answer is no, 2 usage, 3 a file or the network failed, 4 a bug in cygstrap, ' +
  '130 interrupted.';

/** Lays out the help of a command or of all commands, or the version. */
export async function helpText(argv: readonly string[]): Promise<string> {
  let text = '';
  await withCommands(basics(), '').parseAsync([...argv], {}, (_error: unknown, _args: unknown, printed: string) => {
    text = printed;
  });
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function basics(): Argv {
  return yargs()
    .scriptName('cygstrap')
    .usage("$0 COMMAND\n\nPlans what Cygwin's setup would install, and makes repos that it installs from.")
    .epilogue(EPILOGUE)
    .parserConfiguration({ 'boolean-negation': false, 'camel-case-expansion': false })
    .locale('en')
    .wrap(100)
    .exitProcess(false)
    .help('help', 'Print this help')
    .alias('help', 'h')
    .option('C', { describe: 'Change to this directory first; before the command', global: false })
    .version('version', 'Print the version', packageVersion())
    .alias('version', 'V');
}

/** Adds the commands and groups right below a group. */
function withCommands(parser: Argv, group: string): Argv {
  const prefix = group === '' ? '' : `${group} `;
  const below = new Set(
    COMMANDS.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => name.slice(prefix.length).split(' ')[0]),
  );
  return [...below].reduce((y, word) => {
    const name = `${prefix}${word}`;
    const command = COMMANDS.find((each) => each.name === name);
    if (command === undefined) return y.command(`${word}`, GROUPS[name] ?? '', (z) => withCommands(z, name));
    const usage = [word, ...Object.entries(command.positionals).map(([each, { kind }]) => USAGES[kind](each))];
    return y.command(usage.join(' '), command.summary, (z) => withCommands(withDeclarations(z, command), name));
  }, parser);
}

const USAGES: Readonly<Record<Positional<unknown>['kind'], (name: string) => string>> = {
  one: (name) => `<${name}>`,
  optional: (name) => `[${name}]`,
  rest: (name) => `[${name}..]`,
  some: (name) => `<${name}..>`,
  'guest-command': (name) => `[${name}..]`,
};

function withDeclarations(parser: Argv, { name, summary, ...command }: Command): Argv {
  const { positionals, options, examples } = command;
  const guestCommand = Object.entries(positionals).find(([, { kind }]) => kind === 'guest-command');
  if (guestCommand !== undefined) parser.usage(`$0 ${name} [options] -- ${guestCommand[0]}..\n\n${summary}`);
  for (const [name, { kind, help }] of Object.entries(positionals)) {
    const settings: PositionalOptions = { describe: help };
    parser.positional(
      name,
      kind === 'rest' || kind === 'guest-command' ? { ...settings, defaultDescription: 'none' } : settings,
    );
  }
  for (const [name, option] of Object.entries(options))
    parser.option(option.valueName === undefined ? name : `${name} ${option.valueName}`, {
      ...settingsOf(option),
      global: false,
    });
  for (const [line, what] of examples) parser.example(`$0 ${line}`, what);
  return parser;
}

function settingsOf({ short, help, group, default: shown }: Option<unknown>): YargsOptions {
  return {
    ...(short === undefined ? {} : { alias: short }),
    describe: shown === undefined ? help : `${help} [default: ${shown}]`,
    ...(group === undefined ? {} : { group: `${group}:` }),
  };
}
