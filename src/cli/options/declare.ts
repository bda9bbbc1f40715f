import { UsageError } from '../terminal/failure.ts';
import { pathOf } from './path.ts';
import { didYouMean } from '../../similar.ts';
import type { Task } from '../terminal/session.ts';

/** Converts the text of an option to its value; `option` is the name for messages. Throws UsageError. */
export type Parse<T> = (text: string, option: string) => T;

/** Everything the parser, the help and the completion need to know about an option. */
export interface Option<T> {
  readonly kind: 'flag' | 'value' | 'list';
  /** One letter that stands for it, as in `-q`. */
  readonly short?: string;
  /** One imperative sentence. */
  readonly help: string;
  /** Heading in the help; without one the option is listed last. */
  readonly group?: string;
  /** Placeholder of the value in the help, such as `DIR`; absent for flags. */
  readonly valueName?: string;
  readonly choices?: readonly string[];
  /** The default, as the help shows it. */
  readonly default?: string;
  readonly isRequired?: boolean;
  /** Names of options and positionals that cannot be combined with it, and why or what to do, if that is not clear. */
  readonly excludes?: readonly string[];
  readonly excludesHint?: string | undefined;
  /** Name of an option without which it has no effect. */
  readonly needs?: string;
  /** Returns the value for the texts on the command line: none, one, or several for a list. */
  readonly read: (texts: readonly string[], option: string) => T;
}

/** Declares an option without a value; `short` is one letter. */
export function flag(help: string, short?: string): Option<boolean> {
  return { kind: 'flag', help, ...(short !== undefined && { short }), read: (texts) => texts.length > 0 };
}

/** Placeholders of values that are paths. */
const PATHS: ReadonlySet<string> = new Set(['FILE', 'DIR', 'PATH']);

/** Returns how a text is converted without another parser: a path can be given as a `file:` URL. */
function textParser(valueName: string): Parse<string> {
  return PATHS.has(valueName) ? (text, option) => pathOf(text, `--${option}`) : (text) => text;
}

/** Declares an option with one text as its value. */
export function value(valueName: string, help: string): Option<string | undefined> {
  return parsed(valueName, help, textParser(valueName));
}

/** Declares an option with one value that `parse` converts. */
export function parsed<T>(valueName: string, help: string, parse: Parse<T>): Option<T | undefined> {
  return {
    kind: 'value',
    help,
    valueName,
    read: ([text], option) => (text === undefined ? undefined : parse(text, option)),
  };
}

/** Declares an option whose value is one of a fixed set. `suggestions` maps a word that is not
 *  accepted, but that users know, to the choice for it. */
export function choice<const C extends string>(
  choices: readonly C[],
  help: string,
  suggestions: Readonly<Record<string, C>> = {},
): Option<C | undefined> {
  const parse: Parse<C> = (text, option) => {
    const found = choices.find((each) => each === text);
    if (found !== undefined) return found;
    const near = Object.hasOwn(suggestions, text) ? suggestions[text] : didYouMean(text, choices)[0];
    throw new UsageError(
      `--${option} must be one of ${choices.join(', ')}: \`${text}\``,
      near === undefined ? undefined : `did you mean \`--${option} ${near}\`?`,
    );
  };
  return { ...parsed(choices.join('|'), help, parse), choices };
}

/** Declares an option that can be repeated, each value converted by `parse`. */
export function list(valueName: string, help: string): Option<readonly string[]>;
export function list<T>(valueName: string, help: string, parse: Parse<T>): Option<readonly T[]>;
export function list(
  valueName: string,
  help: string,
  parse: Parse<unknown> = textParser(valueName),
): Option<readonly unknown[]> {
  return { kind: 'list', help, valueName, read: (texts, option) => texts.map((text) => parse(text, option)) };
}

/** Splits names that were given one by one, or in one text with commas or white space between them, as a list that was
 *  pasted. Throws UsageError for a text without a name. */
export function splitList(values: readonly string[]): string[] {
  return values.flatMap((each) => {
    const names = each.split(/[\s,]+/).filter((name) => name !== '');
    if (names.length === 0) throw new UsageError(`a name is empty: \`${each}\``);
    return names;
  });
}

/** Makes an option mandatory. */
export function required<T>(option: Option<T | undefined>): Option<T> {
  return { ...option, isRequired: true } as Option<T>;
}

/** Declares options and positionals that an option cannot be combined with, by their names. `hint` says why, or what to
 *  do. */
export function excluding<T>(option: Option<T>, excludes: readonly string[], hint?: string): Option<T> {
  return { ...option, excludes, excludesHint: hint };
}

/** Declares that an option needs another one, by its name. */
export function needing<T>(option: Option<T>, needs: string): Option<T> {
  return { ...option, needs };
}

/** Gives an option a default, written as on the command line. */
export function withDefault<T>(option: Option<T | undefined>, text: string): Option<T> {
  const read = (texts: readonly string[], name: string): T =>
    option.read(texts.length === 0 ? [text] : texts, name) as T;
  return { ...option, default: text, read };
}

/** Documents a default that is applied elsewhere: the command must know whether the option was given. */
export function documentDefault<T>(option: Option<T>, text: string): Option<T> {
  return { ...option, default: text };
}

/** Positional words of a command, in the order in which they are declared. */
export interface Positional<T> {
  /** `guest-command`: all words after `--`. */
  readonly kind: 'one' | 'optional' | 'rest' | 'some' | 'guest-command';
  readonly help: string;
  readonly read: (words: readonly string[], name: string) => T;
}

/** Declares one word that must be given. */
export function one(help: string, convert = unchanged): Positional<string> {
  return { kind: 'one', help, read: ([word = ''], name) => convert(word, name) };
}

/** Declares one word that can be omitted. */
export function optional(help: string, convert = unchanged): Positional<string | undefined> {
  return { kind: 'optional', help, read: ([word], name) => (word === undefined ? undefined : convert(word, name)) };
}

/** Returns the word of a positional; `name` is for messages. Others in its place throw UsageError. */
function unchanged(word: string, _name: string): string {
  return word;
}

/** Declares all remaining words, also those after `--`. */
export function rest(help: string): Positional<readonly string[]> {
  return { kind: 'rest', help, read: (words) => words };
}

/** Declares all remaining words, at least one. */
export function some(help: string): Positional<readonly string[]> {
  return { kind: 'some', help, read: (words) => words };
}

/** Declares the words after `--` as a command line for a guest; they are not parsed. */
export function guestCommand(help: string): Positional<readonly string[]> {
  return { kind: 'guest-command', help, read: (words) => words };
}

export type Options = Readonly<Record<string, Option<unknown>>>;
export type Positionals = Readonly<Record<string, Positional<unknown>>>;

type Camel<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;
type ValueOf<D> = D extends { readonly read: (...given: never[]) => infer T } ? T : never;

/** The values of declared options or positionals, by their names in camel case. */
export type Arguments<D extends Options | Positionals> = {
  readonly [K in keyof D & string as Camel<K>]: ValueOf<D[K]>;
};

/** Lists options under a heading of the help. */
export function grouped<const O extends Options>(group: string, options: O): O {
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { ...option, group }])) as O;
}

/** The words of a command line, sorted by the declarations of its command. */
export interface Given {
  /** Texts of each option on the command line, by its name; a flag has one empty text. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  /** Words of each positional, by its name. */
  readonly positionals: ReadonlyMap<string, readonly string[]>;
  /** Variable of each option whose texts come from the environment, by the name of the option. */
  readonly variables: ReadonlyMap<string, string>;
}

export interface Command {
  /** The words that choose it, such as `vm install`. */
  readonly name: string;
  /** One imperative sentence. */
  readonly summary: string;
  readonly positionals: Positionals;
  readonly options: Options;
  /** Command lines without `cygstrap`, and what they do. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** The hint for an argument that it does not accept; by default it names the help. */
  readonly unexpected?: string | undefined;
  /** Options of other commands that it does not have, and the hint for each. */
  readonly otherOptions?: Readonly<Record<string, string>> | undefined;
  /** Converts the words to values. Throws UsageError. */
  readonly task: (given: Given) => Task;
}

interface Declaration<P extends Positionals, O extends Options> extends Pick<
  Command,
  'name' | 'summary' | 'unexpected' | 'otherOptions'
> {
  readonly positionals?: P;
  readonly options: O;
  readonly examples?: Command['examples'];
  readonly run: (...given: [...Parameters<Task>, args: Arguments<P> & Arguments<O>]) => ReturnType<Task>;
}

/** Declares a command. Its options are known from here alone: the parser, the help and the completion read them. */
export function defineCommand<const P extends Positionals, const O extends Options>({
  name,
  summary,
  positionals = {} as P,
  options,
  examples = [],
  unexpected,
  otherOptions,
  run,
}: Declaration<P, O>): Command {
  const task = (given: Given): Task => {
    const values = [
      ...Object.entries(positionals).map(([key, { read }]) => [
        camel(key),
        read(given.positionals.get(key) ?? [], `<${key}>`),
      ]),
      ...Object.entries(options).map(([key, option]) => [camel(key), readOption(key, option, given)]),
    ];
    const args = Object.fromEntries(values) as Arguments<P> & Arguments<O>;
    return (session) => run(session, args);
  };
  return { name, summary, positionals, options, examples, unexpected, otherOptions, task };
}

function readOption(name: string, { read }: Option<unknown>, { options, variables }: Given): unknown {
  const variable = variables.get(name);
  try {
    return read(options.get(name) ?? [], name);
  } catch (error) {
    if (variable === undefined || !(error instanceof UsageError)) throw error;
    throw new UsageError(`the variable ${variable}: ${error.message}`, error.hint);
  }
}

function camel(name: string): string {
  return name.replace(/-(\w)/g, (_match, letter: string) => letter.toUpperCase());
}
