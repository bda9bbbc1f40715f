import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { prepareVm } from '../../src/api/vm-context.ts';
import type { VmContext } from '../../src/api/vm-context.ts';
import type { Report } from '../../src/events.ts';
import type { GuestKind } from '../../src/guest/kind.ts';
import { quoteWord } from '../../src/io/quoting.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import { STAND_IN_PROGRAMS } from '../support/qemu.ts';
import { PROJECT } from '../support/transcript.ts';

/** Programs of the host that the stages of the stand-in need. */
export const PROGRAMS = [...STAND_IN_PROGRAMS, 'setpriv'];

/** First line of stderr of every command that uses the stand-in. */
export const NOTICE = `note: ${standIn.notice}\n`;

/** End of stderr of an interrupted command. */
export const INTERRUPTED = 'error: interrupted\nhint: run the same command again to continue\n';

const RELEASE = join(PROJECT, 'fixtures/release');

export interface Outcome {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  /** Waits until stdout or stderr matches. */
  says(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** Run in a new terminal, whose keyboard is stdin of the child. */
  readonly inTerminal?: boolean;
}

/** A directory with a repo, a lock, machines and temporary files. */
export class Bench {
  readonly path: string;
  readonly temporary: string;
  readonly repo: string;
  readonly lock: string;
  /** Directory of all stages. */
  vmDir: string;

  private constructor(path: string) {
    this.path = path;
    this.temporary = join(path, 't');
    this.repo = join(path, 'repo');
    this.lock = join(path, 'cygstrap.lock.json');
    // QEMU gives commas a special meaning.
    this.vmDir = join(path, 'vm, dir');
  }

  static async make(): Promise<Bench> {
    const bench = new Bench(await mkdtemp(join(tmpdir(), 'cyg-')));
    await mkdir(bench.temporary);
    const site = ['--site', RELEASE, '--keyring', join(RELEASE, 'key.gpg')];
    for (const words of [
      ['lock', 'openssh', 'gcc-core', ...site, '--lock', bench.lock],
      ['fetch', '--lock', bench.lock, ...site, '--repo', bench.repo],
    ]) {
      const { exit, stderr } = await bench.start(words).ended;
      expect(exit, stderr).toBe(0);
    }
    return bench;
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  /** Runs a command with the directory of the stages. */
  async vm(words: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
    return this.startVm(words, options).ended;
  }

  startVm(words: readonly string[], options: CommandOptions = {}): RunningCommand {
    const at = words.indexOf('--');
    const [own, rest] = at < 0 ? [words, []] : [words.slice(0, at), words.slice(at)];
    return this.start([...own, '--vm-dir', this.vmDir, ...rest], options);
  }

  /** Starts `build` or `vm install` with the repo and a small machine. */
  startMaking(words: readonly string[], options: CommandOptions = {}): RunningCommand {
    const at = words.indexOf('--');
    const [own, rest] = at < 0 ? [words, []] : [words.slice(0, at), words.slice(at)];
    return this.startVm(
      [...own, '--repo', this.repo, '--lock', this.lock, '--memory', '256M', '--disk', '2G', ...rest],
      options,
    );
  }

  /** Runs `vm gc` with an empty cache, so that it keeps the images of other tests. */
  async gc(...words: string[]): Promise<Outcome> {
    return this.vm(['vm', 'gc', ...words], { env: { XDG_CACHE_HOME: join(this.path, 'cache') } });
  }

  /** A context for calls of src/api and src/stages. */
  async context(guest: GuestKind = standIn, report: Report = () => {}): Promise<VmContext> {
    return { ...(await prepareVm({ directory: this.vmDir, env: process.env, version: 'test', report })), guest };
  }

  start(words: readonly string[], { env, cwd, stdin = '', inTerminal = false }: CommandOptions = {}): RunningCommand {
    const argv = [process.execPath, join(PROJECT, 'bin/cygstrap.js'), ...words];
    const [program = '', ...rest] = inTerminal ? ['script', '-qec', argv.map(quoteWord).join(' '), '/dev/null'] : argv;
    const child = spawn(program, rest, {
      cwd: cwd ?? this.path,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'],
        LC_ALL: 'C',
        TMPDIR: this.temporary,
        ...env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin.on('error', () => {});
    if (!inTerminal) child.stdin.end(stdin);
    let seen = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (seen += chunk.toString('latin1')));
    const closed = new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
      child.on('close', (...end) => resolve(end)),
    );
    const ended = Promise.all([closed, text(child.stdout), text(child.stderr)]).then(
      ([[exit, signal], stdout, stderr]) => ({ exit, signal, stdout, stderr }),
    );
    return {
      child,
      ended,
      says: async (pattern, timeoutMs = 60_000) => {
        const untilMs = performance.now() + timeoutMs;
        for (;;) {
          const match = pattern.exec(seen);
          if (match !== null) return match;
          if (child.exitCode !== null || performance.now() > untilMs)
            throw new Error(`expected output ${String(pattern)}, found:\n${seen}`);
          await delay(10);
        }
      },
    };
  }

  /** Fails if a process, socket or temporary file of a command in this directory is left. */
  async expectNoTraces(): Promise<void> {
    // smbd ends after the connection of its guest is closed.
    await expect.poll(() => processesOf(this.temporary), { timeout: 3000 }).toEqual([]);
    expect(readdirSync(this.temporary)).toEqual([]);
    expect(namesIn(join(this.vmDir, 'work'))).toEqual([]);
  }

  /** Returns the keys of the published stages. */
  stages(): { readonly install: string[]; readonly snapshot: string[] } {
    return { install: namesIn(join(this.vmDir, 'install')), snapshot: namesIn(join(this.vmDir, 'snapshot')) };
  }
}

/** Returns the names in a directory, sorted; none if it does not exist. */
export function namesIn(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}

/** Returns the command lines that contain a text, or run in a directory whose path does, each after its process
 *  number. */
export function processesOf(part: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
      if (!/^\d+$/.test(pid)) return [];
      return words.includes(part) || readlinkSync(`/proc/${pid}/cwd`).includes(part) ? [`${pid} ${words}`] : [];
    } catch {
      return [];
    }
  });
}

/** Returns the process number of a machine that a verbose command has started. */
export async function machinePid(command: RunningCommand, name: string): Promise<number> {
  const [, pid] = await command.says(new RegExp(`machine \`${name}\` is running: process (\\d+)`));
  return Number(pid);
}
