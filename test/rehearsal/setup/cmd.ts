import { filesBelow, matchingFiles, parseFor, tokensOf } from './cmd-for.ts';
import { conditionOf } from './cmd-if.ts';
import { Jump, jumpTo, lineOf } from './cmd-jump.ts';
import type { Batch } from './cmd-jump.ts';
import { block, evaluate, expand, isOpen, splitFirst, takeRedirections } from './cmd-text.ts';
import { plain, protect, UnknownConstruct, words } from './cmd-text.ts';

import type { CmdWorld } from './cmd-world.ts';

export { UnknownConstruct } from './cmd-text.ts';

/** Statements that one run may have. */
const MAX_STATEMENTS = 200_000;

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
  ['username', 'Administrator'],
]);

class Cmd {
  readonly #world: CmdWorld;
  readonly #variables: Map<string, string>;
  /** The current directory, and those under it in the stack of `pushd`; without a backslash at the end. */
  readonly #directories: string[];
  #count = 0;
  /** What was printed, and is not redirected to a file. */
  #printed = '';

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

  /** Runs a line, and returns what it prints. */
  outputOf(line: string): string {
    this.runLine(line);
    return this.#printed;
  }

  #absolute(path: string): string {
    const bare = plain(path.replaceAll('"', '').trim());
    return /^[a-z]:/i.test(bare) ? bare : `${this.#directories.at(-1)}\\${bare.replace(/^\.\\/, '')}`;
  }

  #read(path: string): string | undefined {
    return this.#world.read(this.#absolute(path));
  }

  #exists(path: string): boolean {
    const absolute = this.#absolute(path);
    if (!absolute.endsWith('\\')) return this.#world.read(absolute) !== undefined;
    return this.#world.list(absolute.slice(0, -1)).length > 0;
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
    const { isTrue, rest } = conditionOf(text, {
      exists: (path) => this.#exists(path),
      level: this.#level,
      variables: this.#variables,
    });
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

  #for(line: string, batch: Batch | undefined): void {
    const { variable, body, over } = parseFor(line);
    const run = (values: readonly string[]): void => {
      const first = variable.charCodeAt(0);
      const text = body.replace(/%(\w)/g, (all, name: string) => {
        const value = values[name.charCodeAt(0) - first];
        return value === undefined ? all : protect(value);
      });
      this.#statement(text, batch);
    };
    switch (over.kind) {
      case 'words':
        for (const word of over.words.flatMap((each) => matchingFiles(each, this.#world.list))) run([word]);
        return;
      case 'below':
        for (const path of filesBelow(over.directory, over.pattern, this.#world.list)) run([path]);
        return;
      case 'numbers':
        for (let i = over.from; i <= over.to; i += over.step) run([String(i)]);
        return;
      case 'lines':
        for (const each of this.#linesOf(over).split(/\r?\n/)) {
          const values = tokensOf(each, over.options);
          if (values !== undefined) run(values);
        }
        return;
      default:
        return over satisfies never;
    }
  }

  #linesOf({ source, of }: { readonly source: 'file' | 'command' | 'text'; readonly of: string }): string {
    if (source === 'text') return of;
    if (source === 'file') return this.#read(of) ?? '';
    const directory = this.#directories.at(-1) ?? 'C:';
    return new Cmd(this.#world, this.#variables, directory).outputOf(of.replaceAll('^', ''));
  }

  #simple(text: string, batch: Batch | undefined): void {
    if (text.replaceAll(/"[^"]*"?/g, '').includes('^')) throw new UnknownConstruct(text);
    const { command, output, isAppended, input } = takeRedirections(text);
    const [, name = '', rest = ''] = /^([^\s.:=\\/"(]+|"[^"]*")([^]*)$/.exec(command) ?? [];
    const before = this.#printed;
    this.#printed = '';
    try {
      this.#command(name.toLowerCase(), { rest, command, input, batch });
    } finally {
      const printed = this.#printed;
      this.#printed = before;
      this.#put(printed, output, isAppended);
    }
  }

  #put(text: string, output: string | undefined, isAppended: boolean): void {
    if (output === undefined) this.#printed += text;
    else if (/^COM1$/i.test(output)) for (const line of text.split(/\r?\n/)) if (line !== '') this.#world.com1(line);
    if (output === undefined || /^(COM1|nul)$/i.test(output) || text === '') return;
    if (!this.#world.write(this.#absolute(output), text, isAppended)) this.#level = 1;
  }

  #command(name: string, { rest, command, input, batch }: Command): void {
    const argument = rest.trim();
    switch (name) {
      case 'echo': {
        const text = rest.replace(/^[ .:]/, '');
        if (!/^(on|off)\s*$/i.test(text)) this.#printed += `${plain(text)}\r\n`;
        return;
      }
      case 'set':
        return this.#set(argument, input);
      case 'setlocal':
        if (/enabledelayedexpansion/i.test(rest)) throw new UnknownConstruct(command);
        return;
      case 'endlocal':
      case 'title':
        return;
      case 'goto':
        throw jumpTo(argument.replace(/^:/, ''));
      case 'exit':
        this.#level = Number(/-?\d+/.exec(rest)?.[0] ?? this.#level);
        throw new Jump(/^\s*\/b\b/i.test(rest) ? 'end-of-batch' : 'end-of-process');
      case 'pushd':
        this.#directories.push(argument.replaceAll('"', '').replace(/\\$/, ''));
        return;
      case 'popd':
        this.#directories.pop();
        return;
      case 'mkdir':
        return this.#world.makeDirectory(this.#absolute(argument));
      case 'del':
        return this.#world.remove(this.#absolute(argument.replaceAll(/(^|\s)\/\w/g, '')));
      case 'ren': {
        const [from = '', to = ''] = words(argument).map((word) => this.#absolute(word));
        this.#world.write(from.replace(/[^\\]*$/, to.replace(/.*\\/, '')), this.#read(from) ?? '', false);
        return this.#world.remove(from);
      }
      case 'call':
        return this.#call(argument, batch);
      case 'start':
        // The caller does not wait for it, but here it has ended when the caller goes on.
        return this.#program(argument.replace(/^""\s+(\/b\s+)?/i, ''), undefined);
      case 'type': {
        const text = this.#read(argument);
        this.#level = text === undefined ? 1 : 0;
        this.#printed += text ?? '';
        return;
      }
      default:
        return this.#program(command, batch);
    }
  }

  #set(text: string, input: string | undefined): void {
    if (/^\/a\s/i.test(text)) {
      const [name, value] = evaluate(text.slice(3), this.#variables);
      this.#variables.set(name, String(value));
      return;
    }
    const [, isAsked, name, value = ''] = /^(\/p\s+)?"?([^=/"]+)=([^"]*)"?$/i.exec(text) ?? [];
    if (name === undefined) throw new UnknownConstruct(`set ${text}`);
    const answer = input === undefined ? '' : (this.#read(input)?.split(/\r?\n/, 1)[0] ?? '');
    // Without an answer the variable is not changed.
    if (isAsked === undefined || answer !== '')
      this.#variables.set(name.toLowerCase(), isAsked === undefined ? plain(value) : answer);
  }

  #call(text: string, batch: Batch | undefined): void {
    const [target = '', ...args] = words(text);
    if (target.startsWith(':')) {
      if (batch === undefined) throw new UnknownConstruct('call of a label outside a batch file');
      this.#runBatch({ lines: batch.lines, args: [batch.args[0] ?? '', ...args] }, target.slice(1));
    } else if (/\.(cmd|bat)"?$/i.test(target)) this.#callFile(target.replaceAll('"', ''), args);
    else this.#program(text, batch);
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
    if (/^cmd(\.exe)?$/i.test(path.split('\\').at(-1) ?? '')) {
      const [, line] = /\/c\s+"?([^]*?)"?$/i.exec(command) ?? [];
      if (line === undefined) throw new UnknownConstruct(command);
      const cmd = new Cmd(this.#world, this.#variables, this.#directories.at(-1) ?? 'C:');
      this.#printed += cmd.outputOf(line);
      this.#level = cmd.#level;
      return;
    }
    const result = this.#world.run(plain(path), args.map(plain));
    if (result === undefined) throw new UnknownConstruct(command);
    this.#printed += result.output ?? '';
    this.#level = result.exitCode;
  }
}

/** A simple command without its redirections. */
interface Command {
  /** What follows its name. */
  readonly rest: string;
  readonly command: string;
  readonly input: string | undefined;
  readonly batch: Batch | undefined;
}
