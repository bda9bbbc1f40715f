import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { PROJECT } from '../../support/transcript.ts';

const RELEASE = resolve('fixtures/release');
const ARCHIVE = 'x86_64/release/bash/bash-5.2.21-1-x86_64.tar.xz';
const YEAR_MS = 365 * 24 * 3_600_000;

/** A module that moves the clock of a process after it was read a number of times. */
function moved(afterReads: number, byMs: number): string {
  const text = `const now = Date.now; let reads = 0; Date.now = () => now() + (reads++ < ${afterReads} ? 0 : ${byMs});`;
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

async function fetch(directory: string, clock?: string): Promise<string> {
  const words = [
    'fetch',
    'bash',
    '--site',
    RELEASE,
    '--keyring',
    join(RELEASE, 'key.gpg'),
    '--repo',
    'repo',
    '--quiet',
  ];
  const preload = clock === undefined ? [] : ['--import', clock];
  const argv = [...preload, join(PROJECT, 'bin/cygstrap.js'), ...words];
  const env = { PATH: process.env['PATH'], XDG_CACHE_HOME: join(directory, 'cache') };
  return (await promisify(execFile)(process.execPath, argv, { cwd: directory, env })).stdout;
}

test.each([
  ['back a year at its start', 0, -YEAR_MS],
  ['back a year in its middle', 4, -YEAR_MS],
  ['forward a year in its middle', 4, YEAR_MS],
])('a fetch whose clock is set %s: the next one finds its files, and an edit of them', async (_, reads, byMs) => {
  const directory = mkdtempSync(join(tmpdir(), 'cygstrap-clock-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  expect(await fetch(directory, moved(reads, byMs))).toContain('3 fetched');
  expect(await fetch(directory)).toContain('0 fetched');
  const path = join(directory, 'repo', ARCHIVE);
  const [good, { atime, mtime }] = [readFileSync(path), statSync(path)];
  rmSync(path);
  writeFileSync(path, Buffer.from(good).fill(0, 0, 9));
  utimesSync(path, atime, mtime);
  expect(await fetch(directory, moved(reads, byMs))).toContain('1 fetched');
  expect(readFileSync(path).equals(good)).toBe(true);
});
