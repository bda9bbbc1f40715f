import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { compilePe } from './pe.ts';

/** A Windows of wine, in a temporary directory: its cmd, its drives, and a serial port whose lines can be read. */
export class Wine implements AsyncDisposable {
  /** Directory of drive C. */
  readonly system: string;
  readonly #prefix: string;
  readonly #port: ChildProcess;
  #received = '';
  #marks = 0;
  #portPath = '';

  private constructor(prefix: string) {
    this.#prefix = prefix;
    this.system = join(prefix, 'drive_c');
    // A pseudoterminal: `script` copies to stdout what programs write to it.
    this.#port = spawn('script', ['-q', '-f', '-c', 'stty raw -echo; tty; exec sleep infinity', '/dev/null'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#port.stdout?.setEncoding('latin1').on('data', (text: string) => (this.#received += text));
  }

  static async start(): Promise<Wine> {
    const wine = new Wine(await mkdtemp(join(tmpdir(), 'cygstrap-wine-')));
    wine.#portPath = (await wine.#receive(/(\/dev\/\S+)\r?\n/))[1] ?? '';
    await wine.setPort('works');
    return wine;
  }

  /** Makes COM1 the serial port, or a port that cannot be opened. */
  async setPort(port: 'works' | 'absent'): Promise<void> {
    const path = port === 'works' ? this.#portPath : join(this.#prefix, 'absent');
    await this.run('reg', 'add', 'HKLM\\Software\\Wine\\Ports', '/v', 'COM1', '/d', path, '/f');
    // Wine reads this when its server starts.
    await this.#spawn('wineserver', ['--kill']);
    await this.#spawn('wineserver', ['--wait']);
  }

  /** Maps a letter to a directory; undefined removes it. */
  async setDrive(letter: string, directory: string | undefined): Promise<void> {
    const link = join(this.#prefix, 'dosdevices', `${letter.toLowerCase()}:`);
    await rm(link, { force: true });
    if (directory !== undefined) await symlink(directory, link);
  }

  /** Makes a command in drive C:\stubs, which is first in PATH, that writes its arguments to a file and then runs
   *  lines. */
  async stub(name: string, lines: readonly string[] = []): Promise<void> {
    await mkdir(join(this.system, 'stubs'), { recursive: true });
    const all = ['@echo off', `>>C:\\stubs\\calls.txt echo ${name} %*`, ...lines, 'exit /b 0', ''];
    await writeFile(join(this.system, 'stubs', `${name}.cmd`), all.join('\r\n'));
  }

  /** Makes a program that runs the stub of its own name, with its arguments, and waits for it. It exits with the code
   *  of `exit N` in the stub. */
  async program(path: string, lines: readonly string[]): Promise<void> {
    await this.stub(basename(path, '.exe'), lines);
    await mkdir(dirname(path), { recursive: true });
    const source = join(import.meta.dirname, 'wine-program.c');
    await writeFile(path, compilePe({ source, entry: 'program', subsystem: 'console' }));
  }

  /** Makes a program of the host that has a name of Windows and writes its arguments to a file. Wine gives its caller
   *  the exit code 0, and does not wait for it. */
  async stubProgram(name: string): Promise<void> {
    await mkdir(join(this.system, 'stubs'), { recursive: true });
    const calls = join(this.system, 'stubs', 'calls.txt');
    const text = `#!/bin/sh\nprintf '%s\\n' "${name} $*" >>${calls}\n`;
    await writeFile(join(this.system, 'stubs', name), text, { mode: 0o755 });
  }

  /** Returns the calls of stubs, and removes them. */
  async takeCalls(): Promise<string[]> {
    const calls = await this.calls();
    await rm(join(this.system, 'stubs', 'calls.txt'), { force: true });
    return calls;
  }

  /** Returns the calls of stubs since they were taken. */
  async calls(): Promise<string[]> {
    const text = await readFile(join(this.system, 'stubs', 'calls.txt'), 'latin1').catch(() => '');
    return text.split(/\r?\n/).filter((line) => line !== '');
  }

  /** Runs a program; returns its exit code and stdout. Its stdin is empty. */
  async run(program: string, ...args: readonly string[]): Promise<{ readonly code: number | null; stdout: string }> {
    return this.#spawn('wine', [program, ...args]);
  }

  /** Returns the lines that came from COM1 since the last call of this function. */
  async lines(): Promise<string[]> {
    this.#marks += 1;
    const mark = `mark ${this.#marks}`;
    await appendFile(this.#portPath, `${mark}\n`);
    const [, text = ''] = await this.#receive(new RegExp(`^([^]*)${mark}\r?\n`));
    this.#received = '';
    return text.split(/\r?\n/).filter((line) => line !== '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#spawn('wineserver', ['--kill']);
    this.#port.kill();
    await rm(this.#prefix, { recursive: true, force: true, maxRetries: 5 });
  }

  async #receive(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#received);
      if (match !== null) return match;
      if (this.#port.exitCode !== null) throw new Error(`no serial port: ${this.#received}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #spawn(program: string, args: readonly string[]): Promise<{ code: number | null; stdout: string }> {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      cwd: this.#prefix,
      env: {
        PATH: process.env['PATH'],
        HOME: this.#prefix,
        WINEPREFIX: this.#prefix,
        WINEDEBUG: '-all',
        WINEPATH: 'C:\\stubs',
      },
    });
    let stdout = '';
    child.stdout.setEncoding('latin1').on('data', (text: string) => (stdout += text));
    return new Promise((resolve, reject) => {
      child.on('error', reject).on('exit', (code) => resolve({ code, stdout }));
    });
  }
}
