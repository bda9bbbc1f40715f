import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clausePackages, indexText, randomClauses, randomFrom } from '../support/universe.ts';
import { PROJECT } from '../support/transcript.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-interrupt-'));
  mkdirSync(join(dir, 'x86_64'));
  const made = clausePackages(200, randomClauses(200, 852, randomFrom(1)));
  writeFileSync(join(dir, 'x86_64/setup.ini'), indexText(made));
  writeFileSync(join(dir, 'batch.jsonl'), '{"packages":["all"]}\n');
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Starts a command in `dir`, and sends a signal as soon as it has read the index. */
function interrupted(argv: readonly string[], signal: NodeJS.Signals): Promise<Ended> {
  const child = spawn(process.execPath, [join(PROJECT, 'bin/cygstrap.js'), ...argv], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: join(dir, 'cache') },
  });
  let stderr = '';
  let stdout = '';
  let isSent = false;
  const look = (): void => {
    if (isSent || !/read `.*setup\.ini`|"index-read"/.test(stderr + stdout)) return;
    isSent = true;
    // Let the search begin.
    setTimeout(() => child.kill(signal), 200);
  };
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    look();
  });
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    look();
  });
  return new Promise((resolve) => {
    child.on('close', (code, by) => resolve({ code, signal: by, stderr }));
  });
}

const INDEX = ['--index', 'x86_64/setup.ini'];
const HARD = ['--no-base', '--solver-limit', '999999999', '--verbose'];
const SITE = ['--site', '.', '--unsigned'];

describe.each(['SIGINT', 'SIGTERM'] as const)('%s during a search ends with 130:', (signal) => {
  test.each([
    ['resolve', 'all', ...INDEX, ...HARD],
    ['resolve', '--batch', 'batch.jsonl', ...INDEX, ...HARD],
    ['why', 'all', '--for', 'all', ...INDEX, ...HARD],
    ['diff', 'x86_64/setup.ini', 'x86_64/setup.ini', '--plan', 'all', ...HARD],
    ['lock', 'all', ...INDEX, ...HARD],
    ['fetch', 'all', '--repo', 'repo', ...SITE, ...HARD],
  ])('%s %s', async (...argv) => {
    const ended = await interrupted(argv, signal);
    expect(ended).toMatchObject({ code: 130, signal: null });
    expect(ended.stderr).toContain('error: interrupted\nhint: run the same command again to continue\n');
  });
});
