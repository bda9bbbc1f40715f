import { NO_SITES } from './no-sites.ts';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';

/** One command of a transcript and its expected result. */
export interface Case {
  readonly line: number;
  readonly command: string;
  readonly exit: number;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly absent: readonly string[];
}

export interface Outcome {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** Parses `$ command`, `stdin ...`, `exit N`, `stdout ...`, `stderr ...` and `absent PATH` lines. `#` starts a comment;
 *  blank lines are ignored. Throws for any other line and for a case without assertions. */
export function parseTranscript(source: string): Case[] {
  const cases: Case[] = [];
  let draft:
    | {
        line: number;
        command: string;
        exit?: number;
        parts: Record<'stdin' | 'stdout' | 'stderr', string[]>;
        absent: string[];
      }
    | undefined;
  const finish = (): void => {
    if (draft === undefined) return;
    const { line, command, exit, parts, absent } = draft;
    if (exit === undefined) throw new Error(`line ${line}: no exit code`);
    if (parts.stdout.length + parts.stderr.length + absent.length === 0)
      throw new Error(`line ${line}: asserts no output`);
    cases.push({
      line,
      command,
      exit,
      stdin: joined(parts.stdin),
      stdout: joined(parts.stdout),
      stderr: joined(parts.stderr),
      absent,
    });
  };
  source.split('\n').forEach((row, i) => {
    if (row === '' || row.startsWith('#')) return;
    if (row.startsWith('$ ')) {
      finish();
      draft = { line: i + 1, command: row.slice(2), parts: { stdin: [], stdout: [], stderr: [] }, absent: [] };
      return;
    }
    const [, key = '', rest = ''] = /^(stdin|stdout|stderr|exit|absent)(?: (.*))?$/.exec(row) ?? [];
    if (draft === undefined || key === '') throw new Error(`line ${i + 1}: not a line of a transcript: ${row}`);
    if (key === 'exit') draft.exit = Number(rest);
    else if (key === 'absent') draft.absent.push(rest);
    else if (key === 'stdin' || key === 'stdout' || key === 'stderr') draft.parts[key].push(rest);
  });
  finish();
  if (cases.length === 0) throw new Error('a transcript without a command');
  return cases;
}

function joined(lines: readonly string[]): string {
  if (lines.length === 1 && lines[0] === '(nothing)') return '';
  return lines.map((line) => `${line}\n`).join('');
}

/** Prints a case with its actual outcome in the format of a transcript. */
export function printTranscript({ command, stdin, absent }: Case, { exit, stdout, stderr }: Outcome): string {
  const rows = [
    `$ ${command}`,
    ...prefixed('stdin', stdin),
    `exit ${exit}`,
    ...prefixed('stdout', stdout, true),
    ...prefixed('stderr', stderr, true),
  ];
  return [...rows, ...absent.map((path) => `absent ${path}`)].map((row) => `${row}\n`).join('');
}

function prefixed(key: string, content: string, always = false): string[] {
  if (content === '') return always ? [`${key} (nothing)`] : [];
  return content
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `${key} ${line}`.trimEnd());
}

/** Runs a shell command line in which `cygstrap` is the built program. `cwd` defaults to the project. */
export async function runCommand(command: string, stdin = '', cwd = PROJECT): Promise<Outcome> {
  const script = `cygstrap() { "${process.execPath}" "${join(PROJECT, 'bin/cygstrap.js')}" "$@"; }\n${command}`;
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'],
    XDG_CONFIG_HOME: NO_SITES,
    LC_ALL: 'C',
  };
  // The pipes of Node.js are sockets. With a socket as stdin, bash reads ~/.bashrc unless --norc is given.
  const child = spawn('bash', ['--norc', '-c', script], { cwd, stdio: ['pipe', 'pipe', 'pipe'], env });
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  const [stdout, stderr, exit] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on('close', resolve)),
  ]);
  return { exit, stdout: filtered(stdout), stderr: filtered(stderr) };
}

/** Replaces the parts of the output that differ between runs: durations only. */
function filtered(output: string): string {
  return output.replace(/\b\d+ ms\b/g, '[duration]');
}

export function existingOf(paths: readonly string[]): string[] {
  return paths.filter((path) => existsSync(join(PROJECT, path)));
}
