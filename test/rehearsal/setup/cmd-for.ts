import { UnknownConstruct, words } from './cmd-text.ts';

/** A `for` statement. */
export interface ForStatement {
  /** Letter of its first variable. */
  readonly variable: string;
  readonly body: string;
  readonly over:
    | { readonly kind: 'words'; readonly words: readonly string[] }
    /** Files below a directory that match a pattern. */
    | { readonly kind: 'below'; readonly directory: string; readonly pattern: string }
    | { readonly kind: 'numbers'; readonly from: number; readonly step: number; readonly to: number }
    /** Lines of a file, of the output of a command, or of a text. */
    | {
        readonly kind: 'lines';
        readonly source: 'file' | 'command' | 'text';
        readonly of: string;
        readonly options: LineOptions;
      };
}

/** `tokens` and `delims` of `for /f`. */
export interface LineOptions {
  readonly delimiters: string;
  /** Numbers of the words that the variables get. */
  readonly tokens: readonly number[];
  /** Whether one more variable gets the rest of the line. */
  readonly hasRest: boolean;
}

/** Parses a `for` statement, in which `%%` is already one percent sign. */
export function parseFor(line: string): ForStatement {
  const [, flag = '', before = '', variable, list = '', body = ''] =
    /^for\s+(?:(\/[rlf])\s+)?("[^"]*"|\S+)?\s*%(\w)\s+in\s*\(((?:'[^']*'|"[^"]*"|[^)])*)\)\s*do\s+([^]*)$/i.exec(
      line,
    ) ?? [];
  if (variable === undefined) throw new UnknownConstruct(line);
  return { variable, body, over: overOf(flag.toLowerCase(), before, list) };
}

function overOf(flag: string, before: string, list: string): ForStatement['over'] {
  switch (flag) {
    case '/r':
      return { kind: 'below', directory: before.replaceAll('"', ''), pattern: list.trim() };
    case '/l': {
      const [from = 0, step = 1, to = 0] = list.split(',').map(Number);
      return { kind: 'numbers', from, step, to };
    }
    case '/f': {
      const options = optionsOf(before.replaceAll('"', ''));
      const [, quote, of = ''] = /^(['"])([^]*)\1$/.exec(list.trim()) ?? [];
      if (quote === undefined) throw new UnknownConstruct(list);
      const source = quote === "'" ? 'command' : /\busebackq\b/i.test(before) ? 'file' : 'text';
      return { kind: 'lines', source, of, options };
    }
    default:
      return { kind: 'words', words: words(list) };
  }
}

function optionsOf(text: string): LineOptions {
  const [, delimiters = ' \t'] = /\bdelims=(.*)$/i.exec(text) ?? [];
  const [, list = '1'] = /\btokens=([\d,*-]+)/i.exec(text) ?? [];
  const tokens = list
    .split(',')
    .filter((each) => each !== '*')
    .flatMap((each) => {
      const [from = 0, to = from] = each.split('-').map(Number);
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    });
  return { delimiters, tokens, hasRest: list.includes('*') };
}

/** Returns the values of the variables for one line; undefined for a line that `for /f` skips. */
export function tokensOf(line: string, { delimiters, tokens, hasRest }: LineOptions): string[] | undefined {
  const isDelimiter = (char: string | undefined): boolean => char !== undefined && delimiters.includes(char);
  let at = 0;
  const skip = (while_: boolean): void => {
    while (at < line.length && isDelimiter(line[at]) === while_) at++;
  };
  const found: string[] = [];
  const last = Math.max(0, ...tokens);
  for (let number = 1; number <= last; number++) {
    skip(true);
    const from = at;
    skip(false);
    found.push(line.slice(from, at));
  }
  skip(true);
  const values = tokens.map((number) => found[number - 1] ?? '');
  if (hasRest) values.push(line.slice(at));
  // A line without a word, or one that starts with the sign of a comment.
  return values.every((value) => value === '') || line.startsWith(';') ? undefined : values;
}

type ListFiles = (directory: string) => readonly string[];

/** Returns the files below a directory that match a pattern such as `*.inf`. */
export function filesBelow(directory: string, pattern: string, list: ListFiles): string[] {
  const [, ending] = /^\*(\.[\w.]+)$/.exec(pattern) ?? [];
  if (ending === undefined) throw new UnknownConstruct(pattern);
  return list(directory).filter((path) => path.toLowerCase().endsWith(ending.toLowerCase()));
}

/** Returns a word of a list, or for `DIRECTORY\*.ENDING` the files of that directory. */
export function matchingFiles(word: string, list: ListFiles): string[] {
  const [, directory, ending] = /^([^"*]*)\\\*(\.[\w.]+)$/.exec(word) ?? [];
  if (directory === undefined || ending === undefined) return [word];
  return filesBelow(directory, `*${ending}`, list).filter((path) => !path.slice(directory.length + 1).includes('\\'));
}
