import { parseArgs } from 'node:util';
import { didYouMean } from '../../similar.ts';
import type { Command, Given, Option } from './declare.ts';
import { UsageError } from '../terminal/failure.ts';
import { optionsInEnvironment } from './variables.ts';

/** Sorts the words after the name of a command by its declarations. Flags accept no value, other options need one, and
 *  only a list can be repeated. An option that is not among the words is read from its variable in `environment`.
 *  Throws UsageError. */
export function parseWords(
  command: Command,
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): Given {
  const declared = new Map(Object.entries(command.options));
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      [...declared].map(([name, { kind, short }]) => [
        name,
        { type: kind === 'flag' ? 'boolean' : 'string', ...(short !== undefined && { short }) } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options = new Map<string, string[]>();
  const plain: string[] = [];
  const afterDashes: string[] = [];
  let isAfterDashes = false;
  for (const token of tokens) {
    if (token.kind === 'option-terminator') isAfterDashes = true;
    else if (token.kind === 'positional') (isAfterDashes ? afterDashes : plain).push(token.value);
    else {
      const option = declared.get(token.name);
      if (option === undefined) {
        const [near] = didYouMean(token.name, [...declared.keys(), 'help', 'version']);
        const hint =
          near === undefined ? (plain.length > 0 ? dashesHint(command) : undefined) : `did you mean \`--${near}\`?`;
        throw new UsageError(`unknown option: \`${token.rawName}\``, command.otherOptions?.[token.name] ?? hint);
      }
      const texts = options.get(token.name) ?? [];
      const text = textOf(token, option);
      if (option.kind === 'value' && texts.length > 0) throw new UsageError(`--${token.name} is given more than once`);
      options.set(token.name, option.kind === 'flag' ? [''] : [...texts, text]);
    }
  }
  const further = optionsInEnvironment(
    Object.fromEntries([...declared].filter(([name]) => !options.has(name))),
    environment,
  );
  for (const [name, texts] of further.options) options.set(name, [...texts]);
  const positionals = positionalsOf(command, plain, afterDashes);
  applyExclusions(declared, { options, positionals }, further.variables);
  requireNeeded(declared, options, further.variables);
  for (const [name, { isRequired }] of declared)
    if (isRequired === true && !options.has(name)) throw new UsageError(`--${name} is missing`);
  return { options, positionals, variables: further.variables };
}

/** Removes options of variables that contradict the command line, and then those that another variable excludes. Throws
 *  UsageError for options of the command line that exclude each other. */
function applyExclusions(
  declared: ReadonlyMap<string, Option<unknown>>,
  { options, positionals }: { options: Map<string, unknown>; positionals: ReadonlyMap<string, readonly string[]> },
  variables: ReadonlyMap<string, string>,
): void {
  const isPositional = (name: string): boolean => (positionals.get(name)?.length ?? 0) > 0;
  for (const [name, { excludes = [], excludesHint }] of declared) {
    if (!options.has(name)) continue;
    const others = excludes.filter((other) => options.has(other) || isPositional(other));
    const given = others.find((other) => !variables.has(other));
    if (given === undefined) for (const other of others) options.delete(other);
    else if (variables.has(name)) options.delete(name);
    else {
      const text = options.has(given) ? `--${given}` : `<${given}>`;
      throw new UsageError(`--${name} cannot be combined with ${text}`, excludesHint);
    }
  }
}

/** Removes options of variables that have no effect without another option. Throws UsageError for those of the command
 *  line. */
function requireNeeded(
  declared: ReadonlyMap<string, Option<unknown>>,
  options: Map<string, unknown>,
  variables: ReadonlyMap<string, string>,
): void {
  for (const [name, { needs }] of declared) {
    if (needs === undefined || !options.has(name) || options.has(needs)) continue;
    if (!variables.has(name)) throw new UsageError(`--${name} needs --${needs}`);
    options.delete(name);
  }
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function textOf({ name, rawName, value, inlineValue }: OptionToken, { kind, valueName = '' }: Option<unknown>): string {
  if (kind === 'flag') {
    if (value !== undefined) throw new UsageError(`--${name} accepts no value: \`${rawName}=${value}\``);
    return '';
  }
  const isNextOption = inlineValue !== true && value !== undefined && value.length > 1 && value.startsWith('-');
  if (value === undefined || isNextOption) throw new UsageError(`--${name} needs a value: \`--${name} ${valueName}\``);
  if (value === '') throw new UsageError(`--${name} has an empty value`);
  return value;
}

function positionalsOf(
  command: Command,
  plain: readonly string[],
  afterDashes: readonly string[],
): Map<string, readonly string[]> {
  const words = acceptsGuestCommand(command) ? [...plain] : [...plain, ...afterDashes];
  const found = new Map<string, readonly string[]>();
  for (const [name, { kind }] of Object.entries(command.positionals)) {
    if (kind === 'guest-command') found.set(name, afterDashes);
    else found.set(name, words.splice(0, kind === 'rest' || kind === 'some' ? words.length : 1));
    if ((kind === 'one' || kind === 'some') && found.get(name)?.length === 0)
      throw new UsageError(`the argument <${name}> is missing`);
    // The value of a variable of a shell that is not set; a directory would be the current one.
    if ((kind === 'one' || kind === 'optional') && found.get(name)?.[0] === '')
      throw new UsageError(`the argument <${name}> is empty`);
  }
  const [extra] = words;
  if (extra !== undefined)
    throw new UsageError(`unexpected argument: \`${extra}\``, command.unexpected ?? dashesHint(command));
  return found;
}

function acceptsGuestCommand({ positionals }: Command): boolean {
  return Object.values(positionals).some(({ kind }) => kind === 'guest-command');
}

/** The hint for words that are probably the command for a guest. */
function dashesHint(command: Command): string | undefined {
  return acceptsGuestCommand(command) ? 'write the command for the guest after `--`, as in `-- uname -a`' : undefined;
}
