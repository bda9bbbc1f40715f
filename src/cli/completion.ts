import { COMMANDS, GROUPS, commandWords } from './commands.ts';
import { defineCommand } from './options/declare.ts';
import type { Command, Option } from './options/declare.ts';
import { INDEX_OPTIONS } from './options/options.ts';
import { parseWords } from './options/parse.ts';
import { EXIT_DONE } from './terminal/failure.ts';
import { openCatalog } from './terminal/open-catalog.ts';
import type { Session } from './terminal/session.ts';
import { SHELLS } from './terminal/completion-scripts.ts';

/** Names of packages that begin with a text, for the words before it. */
type PackageNames = (command: Command, words: readonly string[]) => Promise<readonly string[]>;

/** Returns what can stand in the place of the last of some words, which can be a part of one, or blank: commands,
 *  options, the values of an option that has a fixed set, or packages. Nothing is returned where a file name belongs:
 *  the shell completes these. */
export async function completionsOf(words: readonly string[], packageNames: PackageNames): Promise<string[]> {
  const { before, prefix, last } = placeOf(words);
  const offered = await candidates(before, last, packageNames);
  return [...new Set(offered)]
    .filter((word) => word.startsWith(last))
    .map((word) => prefix + word)
    .sort();
}

/** Returns the text to complete, the words before it, and the part of its word that stays: `--format=` before a value,
 *  and the names before a comma. Bash makes three words of `--format=t`. */
function placeOf(words: readonly string[]) {
  const [option, equals, value] = words.slice(-3);
  if (option?.startsWith('--') === true && equals === '=')
    return { before: words.slice(0, -2), ...listOf(value ?? '') };
  const word = words.at(-1)?.trim() ?? '';
  const before = words.slice(0, -1);
  if (word === '=' && before.at(-1)?.startsWith('--') === true) return { before, prefix: '', last: '' };
  const [, name, text = ''] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
  if (name === undefined) return { before, ...listOf(word) };
  const { prefix, last } = listOf(text);
  return { before: [...before, name], prefix: `${name}=${prefix}`, last };
}

function listOf(text: string): { readonly prefix: string; readonly last: string } {
  const start = text.lastIndexOf(',') + 1;
  return { prefix: text.slice(0, start), last: text.slice(start).trim() };
}

async function candidates(
  before: readonly string[],
  last: string,
  packageNames: PackageNames,
): Promise<readonly string[]> {
  if (before.includes('--')) return [];
  if (before[0] === 'completion') return before.length === 1 ? SHELLS : [];
  const isHelp = before[0] === 'help';
  const name = commandWords(isHelp ? before.slice(1) : before);
  const command = COMMANDS.find((each) => each.name === name.join(' '));
  const rest = before.slice(name.length + (isHelp ? 1 : 0));
  // `media` is a command and a group.
  const below = rest.length === 0 && !last.startsWith('-') ? commandsBelow(name) : [];
  if (command === undefined || isHelp) return below;
  const option = optionOf(command, rest.at(-1) ?? '');
  if (option !== undefined && option.kind !== 'flag') return option.choices ?? [];
  if (last.startsWith('-')) return optionsOf(command);
  const takesPackages = Object.keys(command.positionals).some((each) => each === 'package' || each === 'packages');
  return [...below, ...(takesPackages ? await packageNames(command, rest) : [])];
}

function commandsBelow(group: readonly string[]): string[] {
  const names = [...COMMANDS.map(({ name }) => name), ...Object.keys(GROUPS)].map((name) => name.split(' '));
  const below = names
    .filter((name) => name.length > group.length && group.every((word, i) => name[i] === word))
    .map((name) => name[group.length] ?? '');
  return group.length === 0 ? [...below, 'help', 'completion'] : below;
}

function optionOf({ options }: Command, word: string): Option<unknown> | undefined {
  const name = word.startsWith('--') ? word.slice(2) : undefined;
  return name !== undefined && Object.hasOwn(options, name) ? options[name] : undefined;
}

function optionsOf({ options }: Command): string[] {
  return ['--help', '--version', ...Object.keys(options).map((name) => `--${name}`)];
}

/** Returns the names of the packages in the index that a command line names, or in the kept one of its sites; no site
 *  is asked. Without an index there are none. */
export async function packageNames(session: Session, command: Command, words: readonly string[]): Promise<string[]> {
  let names: string[] = [];
  const reading = defineCommand({
    name: command.name,
    summary: command.summary,
    options: INDEX_OPTIONS,
    run: async (own, args) => {
      const { catalog } = await openCatalog(own, { ...args, offline: true, refresh: false, quiet: true });
      names = [...catalog.packages.keys()];
      return EXIT_DONE;
    },
  });
  try {
    // The package is not typed yet.
    const given = parseWords(command, [...words, 'package'], session.host.env);
    await reading.task({ ...given, positionals: new Map() })(session);
  } catch {
    // There is nothing to offer, and no place for a message.
  }
  return names;
}
