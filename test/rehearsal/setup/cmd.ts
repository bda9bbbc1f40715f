import { block, expand, isOpen, splitFirst, takeRedirections, UnknownConstruct, words } from './cmd-text.ts';

export { UnknownConstruct } from './cmd-text.ts';

/** What the commands of a script act on. */
export interface CmdWorld {
  /** Returns the content of a file by its path with a drive letter; undefined if there is none. */
  readonly read: (path: string) => string | undefined;
  /** Writes a file. Returns whether that was possible. */
  readonly write: (path: string, text: string, isAppended: boolean) => boolean;
  /** Returns the paths of the files in a directory and below it. */
  readonly list: (directory: string) => readonly string[];
  readonly com1: (line: string) => void;
  /** Runs a program. Returns its exit code; undefined for one that Windows does not have. */
  readonly run: (name: string, args: string) => number | undefined;
}

/** Ends a statement: execution goes on at a label, after the batch file, or after the process. */
class Jump extends Error {
  readonly to: { readonly label: string } | 'end-of-batch' | 'end-of-process';
  constructor(to: Jump['to']) {
    super('a jump');
    this.to = to;
  }
}

/** A batch file that runs; none for the command line of Setup itself. */
interface Batch {
  readonly lines: readonly string[];
  /** The first is the path of the file. */
  readonly args: readonly string[];
}

/** Statements that one run may have. */
const MAX_STATEMENTS = 10_000;

/** Runs a command line as cmd does. Returns the exit code. Throws {@link UnknownConstruct} for what this emulation does
 *  not know; it knows what the scripts of answer media use. */
export function runCommandLine(line: string, world: CmdWorld): number {
  return new Cmd(world, ENVIRONMENT, 'C:').runLine(line);
}

const ENVIRONMENT: ReadonlyMap<string, string> = new Map([
  ['systemroot', 'C:\\Windows'],
  ['windir', 'C:\\Windows'],
  ['systemdrive', 'C:'],
  ['temp', 'C:\\Temp'],
]);

class Cmd {
  readonly #world: CmdWorld;
  readonly #variables: Map<string, string>;
  /** The current directory, and those under it in the stack of `pushd`; without a backslash at the end. */
  readonly #directories: string[];
  #count = 0;

  constructor(world: CmdWorld, variables: ReadonlyMap<string, string>, directory: string) {
    this.#world = world;
    this.#variables = new Map(variables);
    this.#directories = [directory];
  }

  get #level(): number {
    return Number(this.#variables.get('errorlevel') ?? 0);
  }

  set #level(code: number) {
    this.#variables.set('errorlevel', String(code));
  }

  runLine(line: string): number {
    try {
      this.#statement(line, undefined);
    } catch (error) {
      if (!(error instanceof Jump)) throw error;
    }
    return this.#level;
  }

  #read(path: string): string | undefined {
    const plain = path.replaceAll('"', '');
    const isAbsolute = /^[a-z]:/i.test(plain);
    return this.#world.read(isAbsolute ? plain : `${this.#directories.at(-1)}\\${plain.replace(/^\.\\/, '')}`);
  }

  #runBatch(batch: Batch, label?: string): void {
    let at = label === undefined ? 0 : lineOf(batch, label);
    while (at < batch.lines.length) {
      let statement = batch.lines[at++] ?? '';
      while (isOpen(statement) && at < batch.lines.length) statement += `\n${batch.lines[at++]}`;
      if (/^\s*:/.test(statement)) continue;
      try {
        this.#statement(expand(statement, batch.args, this.#variables), batch);
      } catch (error) {
        if (!(error instanceof Jump)) throw error;
        if (error.to === 'end-of-process') throw error;
        if (error.to === 'end-of-batch') return;
        at = lineOf(batch, error.to.label);
      }
    }
  }

  #statement(text: string, batch: Batch | undefined): void {
    if (++this.#count > MAX_STATEMENTS) throw new UnknownConstruct('the script does not end');
    const line = text.replace(/^[\s@]+/, '');
    if (line === '' || /^(rem\b|::)/i.test(line)) return;
    if (/^if\s/i.test(line)) return this.#if(line.slice(2).trim(), batch);
    if (/^for\s/i.test(line)) return this.#for(line, batch);
    const { first, operator, rest } = splitFirst(line);
    if (first.startsWith('(')) {
      const { inner, after } = block(first);
      if (after !== '') throw new UnknownConstruct(after);
      this.#statement(inner, batch);
    } else this.#simple(first, batch);
    const isNext = operator === '&' || (operator === '&&') === (this.#level === 0);
    if (operator !== '' && isNext) this.#statement(rest, batch);
  }

  #if(text: string, batch: Batch | undefined): void {
    const { isTrue, rest } = this.#condition(text);
    if (!rest.startsWith('(')) {
      if (isTrue) this.#statement(rest, batch);
      return;
    }
    const { inner, after } = block(rest);
    const [, otherwise] = /^else\s*([^]*)$/i.exec(after) ?? [];
    if (after !== '' && otherwise === undefined) throw new UnknownConstruct(after);
    const branch = isTrue ? inner : otherwise;
    if (branch !== undefined) this.#statement(branch, batch);
  }

  #condition(text: string): { isTrue: boolean; rest: string } {
    const [, ignoresCase, negates, body = ''] = /^(\/i\s+)?(not\s+)?([^]*)$/i.exec(text) ?? [];
    const fold = (word: string): string => (ignoresCase === undefined ? word : word.toLowerCase());
    const result = (isMet: boolean, rest: string | undefined): { isTrue: boolean; rest: string } => ({
      isTrue: isMet === (negates === undefined),
      rest: (rest ?? '').trim(),
    });
    const [, path, afterPath] = /^exist\s+("[^"]*"|\S+)\s+([^]*)$/i.exec(body) ?? [];
    if (path !== undefined) return result(this.#read(path) !== undefined, afterPath);
    const [, level, afterLevel] = /^errorlevel\s+(\d+)\s+([^]*)$/i.exec(body) ?? [];
    if (level !== undefined) return result(this.#level >= Number(level), afterLevel);
    const [, name, afterName] = /^defined\s+(\S+)\s+([^]*)$/i.exec(body) ?? [];
    if (name !== undefined) return result((this.#variables.get(name.toLowerCase()) ?? '') !== '', afterName);
    const [, left, sign, right, after] =
      /^("[^"]*"|[^\s=]+)\s*(==|\s(?:equ|neq)\s)\s*("[^"]*"|[^\s(]+)\s*([^]*)$/i.exec(body) ?? [];
    if (left === undefined || right === undefined) throw new UnknownConstruct(`if ${text}`);
    return result((fold(left) === fold(right)) === (sign?.trim().toLowerCase() !== 'neq'), after);
  }

  #for(line: string, batch: Batch | undefined): void {
    const [, directory, name, list = '', body = ''] =
      /^for\s+(?:\/r\s+("[^"]*"|\S+)\s+)?%(\w)\s+in\s*\(([^)]*)\)\s*do\s+([^]*)$/i.exec(line) ?? [];
    if (name === undefined) throw new UnknownConstruct(line);
    const items = directory === undefined ? words(list) : this.#below(directory, list);
    for (const item of items) this.#statement(body.replaceAll(`%${name}`, item), batch);
  }

  /** The files below a directory that match a pattern such as `*.inf`. */
  #below(directory: string, pattern: string): string[] {
    const [, ending] = /^\*(\.\w+)$/.exec(pattern.trim()) ?? [];
    if (ending === undefined) throw new UnknownConstruct(pattern);
    const files = this.#world.list(directory.replaceAll('"', ''));
    return files.filter((path) => path.toLowerCase().endsWith(ending.toLowerCase()));
  }

  #simple(text: string, batch: Batch | undefined): void {
    if (text.replaceAll(/"[^"]*"?/g, '').includes('^')) throw new UnknownConstruct(text);
    const { command, output, isAppended } = takeRedirections(text);
    const [, name = '', rest = ''] = /^([^\s.:=\\/"(]+|"[^"]*")([^]*)$/.exec(command) ?? [];
    switch (name.toLowerCase()) {
      case 'echo':
        return this.#echo(rest, output, isAppended);
      case 'set':
        return this.#set(rest.trim());
      case 'setlocal':
        if (/enabledelayedexpansion/i.test(rest)) throw new UnknownConstruct(text);
        return;
      case 'endlocal':
      case 'title':
        return;
      case 'goto':
        throw jumpTo(rest.trim().replace(/^:/, ''));
      case 'exit':
        this.#level = Number(/\d+/.exec(rest)?.[0] ?? this.#level);
        throw new Jump(/^\s*\/b\b/i.test(rest) ? 'end-of-batch' : 'end-of-process');
      case 'pushd':
        this.#directories.push(rest.trim().replaceAll('"', '').replace(/\\$/, ''));
        return;
      case 'popd':
        this.#directories.pop();
        return;
      case 'call':
        return this.#call(rest.trim(), batch);
      case 'type':
        return this.#type(rest.trim(), output);
      default:
        return this.#program(command, batch);
    }
  }

  #echo(rest: string, output: string | undefined, isAppended: boolean): void {
    const text = rest.replace(/^[ .:]/, '');
    if (/^(on|off)\s*$/i.test(text) || output === undefined || /^nul$/i.test(output)) return;
    if (/^COM1$/i.test(output)) this.#world.com1(text);
    else this.#world.write(output, `${text}\r\n`, isAppended);
  }

  #type(path: string, output: string | undefined): void {
    const text = this.#read(path);
    this.#level = text === undefined ? 1 : 0;
    if (text === undefined || output === undefined || /^nul$/i.test(output)) return;
    if (/^COM1$/i.test(output)) for (const line of text.trimEnd().split(/\r?\n/)) this.#world.com1(line);
    else if (!this.#world.write(output, text, false)) this.#level = 1;
  }

  #set(text: string): void {
    const [, name, value = ''] = /^"?([^=/"]+)=([^"]*)"?$/.exec(text) ?? [];
    if (name === undefined) throw new UnknownConstruct(`set ${text}`);
    this.#variables.set(name.toLowerCase(), value);
  }

  #call(text: string, batch: Batch | undefined): void {
    const [target = '', ...args] = words(text);
    if (target.startsWith(':')) {
      if (batch === undefined) throw new UnknownConstruct('call of a label outside a batch file');
      this.#runBatch({ lines: batch.lines, args: [batch.args[0] ?? '', ...args] }, target.slice(1));
      return;
    }
    this.#callFile(target.replaceAll('"', ''), args);
  }

  #callFile(path: string, args: readonly string[]): void {
    const text = this.#read(path);
    if (text === undefined) {
      this.#level = 1;
      return;
    }
    this.#runBatch({ lines: text.split(/\r?\n/), args: [path, ...args] });
  }

  #program(command: string, batch: Batch | undefined): void {
    const [first = '', ...args] = words(command);
    const path = first.replaceAll('"', '');
    if (/\.(cmd|bat)$/i.test(path)) {
      this.#callFile(path, args);
      // Without `call`, the calling batch file does not go on.
      if (batch !== undefined) throw new Jump('end-of-batch');
      return;
    }
    const name = (path.split('\\').at(-1) ?? '').toLowerCase().replace(/\.exe$/, '');
    if (name === 'cmd') {
      const [, line] = /\/c\s+"?([^]*?)"?$/i.exec(command) ?? [];
      if (line === undefined) throw new UnknownConstruct(command);
      this.#level = new Cmd(this.#world, this.#variables, this.#directories.at(-1) ?? 'C:').runLine(line);
      return;
    }
    const exitCode = this.#world.run(name, args.join(' '));
    if (exitCode === undefined) throw new UnknownConstruct(command);
    this.#level = exitCode;
  }
}

function jumpTo(label: string): Jump {
  return new Jump(/^eof$/i.test(label) ? 'end-of-batch' : { label });
}

function lineOf({ lines }: Batch, label: string): number {
  const wanted = label.toLowerCase();
  const at = lines.findIndex((line) => /^\s*:\s*([^\s:]+)/.exec(line)?.[1]?.toLowerCase() === wanted);
  if (at < 0) throw new UnknownConstruct(`no label ${label}`);
  return at + 1;
}
