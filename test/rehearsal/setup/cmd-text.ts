/** Thrown for a construct of cmd that this small emulation does not know. */
export class UnknownConstruct extends Error {}

/** A command and what follows it. */
export interface Split {
  readonly first: string;
  readonly operator: '&' | '&&' | '||' | '';
  readonly rest: string;
}

/** Splits a line at its first operator outside quotation marks and parentheses; the end of a line is one too. */
export function splitFirst(text: string): Split {
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (char === '(') depth++;
    if (char === ')') depth--;
    // `2>&1` is a redirection.
    const [operator] = /^(&&|\|\||&|\n)/.exec(text.slice(at)) ?? [];
    if (depth !== 0 || operator === undefined || text[at - 1] === '>') continue;
    const kind = operator === '\n' ? '&' : (operator as Split['operator']);
    return { first: text.slice(0, at), operator: kind, rest: text.slice(at + operator.length) };
  }
  return { first: text, operator: '', rest: '' };
}

/** Returns the text within the parentheses at the beginning of a text, and what follows them. */
export function block(text: string): { readonly inner: string; readonly after: string } {
  const end = endOfBlock(text);
  if (end === undefined) throw new UnknownConstruct(`a parenthesis is not closed: ${text}`);
  return { inner: text.slice(1, end), after: text.slice(end + 1).trim() };
}

function endOfBlock(text: string): number | undefined {
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (text[at] === '(') depth++;
    if (text[at] === ')' && --depth === 0) return at;
  }
  return undefined;
}

/** Returns whether a statement goes on in the next line: a block begins at the end of a line, and ends at the start of
 *  one. */
export function isOpen(statement: string): boolean {
  const lines = statement.split('\n').map((line) => line.trim());
  const begins = lines.filter((line) => line.endsWith('(')).length;
  return begins > lines.filter((line) => line.startsWith(')')).length;
}

/** Where the output of a command goes, and its input comes from. */
export interface Redirected {
  readonly command: string;
  /** File or device of standard output; undefined for the screen. */
  readonly output: string | undefined;
  readonly isAppended: boolean;
  /** File of standard input; undefined for the keyboard. */
  readonly input: string | undefined;
}

/** Takes the redirections out of a simple command. A digit before `>` is a handle, as in cmd: it is not printed. */
export function takeRedirections(text: string): Redirected {
  let output: string | undefined;
  let input: string | undefined;
  let isAppended = false;
  const command = text.replace(
    /("[^"]*"?)|(\d?)(>>?|<)\s*(&\d|"[^"]*"|[^\s&|<>"]+)/g,
    (all, quoted: string | undefined, handle: string, sign: string, target: string) => {
      if (quoted !== undefined) return all;
      if (sign === '<') input = target.replaceAll('"', '');
      if (sign === '<' || (handle !== '' && handle !== '1')) return '';
      output = target.replaceAll('"', '');
      isAppended = sign === '>>';
      return '';
    },
  );
  return { command: command.trimStart(), output, isAppended, input };
}

/** Replaces the variables of a line of a batch file: arguments, `%~dp0`, `%~f0`, and the environment, with parts such
 *  as `%name:~0,4%`. */
export function expand(line: string, args: readonly string[], variables: ReadonlyMap<string, string>): string {
  return line.replace(/%(%|\*|~dp0|~f0|~?\d|[^%\s:=]+(?::~-?\d+(?:,-?\d+)?)?%)/g, (_, what: string) => {
    if (what === '%') return '%';
    if (what === '*') return args.slice(1).join(' ');
    if (what === '~dp0') return (args[0] ?? '').replace(/[^\\]*$/, '');
    if (what === '~f0') return args[0] ?? '';
    const [, isBare, number] = /^(~?)(\d)$/.exec(what) ?? [];
    if (number === undefined) return variableOf(what.slice(0, -1), variables);
    const arg = args[Number(number)] ?? '';
    return isBare === '~' ? arg.replace(/^"(.*)"$/, '$1') : arg;
  });
}

function variableOf(what: string, variables: ReadonlyMap<string, string>): string {
  const [name = '', part] = what.split(':');
  const value = variables.get(name.toLowerCase()) ?? '';
  if (part === undefined) return value;
  // cmd prints the rest of the expression for a variable that is not set.
  if (value === '') return part;
  const [start = 0, length] = part.slice(1).split(',').map(Number);
  const from = start < 0 ? Math.max(0, value.length + start) : start;
  if (length === undefined) return value.slice(from);
  return length < 0 ? value.slice(from, length) : value.slice(from, from + length);
}

/** Returns the variable and its value after `set /a`; this knows sums. */
export function evaluate(text: string, variables: ReadonlyMap<string, string>): readonly [name: string, value: number] {
  const [, name = '', plus, sum = ''] = /^"?(\w+)(\+?)=([^"]*)"?$/.exec(text.trim()) ?? [];
  if (name === '') throw new UnknownConstruct(`set /a ${text}`);
  const numberOf = (word: string): number => {
    const value = Number(/^\d/.test(word) ? word : (variables.get(word.toLowerCase()) ?? 0));
    if (Number.isNaN(value)) throw new UnknownConstruct(`set /a ${text}`);
    return value;
  };
  const terms = sum.split('+').map((word) => numberOf(word.trim()));
  if (plus === '+') terms.push(numberOf(name));
  return [name.toLowerCase(), terms.reduce((total, term) => total + term, 0)];
}

/** Splits the words of a command line; a quoted word keeps its marks. */
export function words(text: string): string[] {
  return text.match(/(?:"[^"]*"|[^\s"])+/g) ?? [];
}

const SPECIAL = /["&|<>()^%]/g;

/** Marks the characters of a value that cmd must not interpret: it puts in the values of `for` after it has parsed. */
export function protect(value: string): string {
  return value.replace(SPECIAL, (char) => String.fromCharCode(0xe000 + char.charCodeAt(0)));
}

/** Takes the marks of {@link protect} away. */
export function plain(text: string): string {
  return text.replace(/[\ue000-\ue07f]/g, (char) => String.fromCharCode(char.charCodeAt(0) - 0xe000));
}
