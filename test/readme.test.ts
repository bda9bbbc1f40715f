import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { PROJECT, runCommand } from './support/transcript.ts';

/** One command of a `console` block, and the output printed below it. */
interface Example {
  readonly command: string;
  readonly output: string;
}

const PAGES = ['README.md', ...readdirSync(join(PROJECT, 'src/docs')).map((name) => `src/docs/${name}`)];

function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(join(PROJECT, page), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, body = '']) => body);
}

function examplesOf(page: string): Example[] {
  return blocksOf(page, 'console')
    .flatMap((block) => block.split(/^\$ /m))
    .filter((part) => part !== '')
    .map((part) => {
      const end = part.indexOf('\n');
      return { command: part.slice(0, end), output: part.slice(end + 1).trimEnd() };
    });
}

/** Directories in which a page can write; `fixtures` is there, and the package can be imported. */
const directories: string[] = [];
afterAll(() => directories.forEach((directory) => rmSync(directory, { recursive: true, force: true })));

function directoryFor(): string {
  const directory = mkdtempSync(join(tmpdir(), 'cygstrap-docs-'));
  directories.push(directory);
  symlinkSync(join(PROJECT, 'fixtures'), join(directory, 'fixtures'));
  mkdirSync(join(directory, 'node_modules'));
  symlinkSync(PROJECT, join(directory, 'node_modules/cygstrap'));
  return directory;
}

process.env['XDG_CACHE_HOME'] = join(directoryFor(), 'cache');

describe.each(PAGES.filter((page) => examplesOf(page).length > 0))('the examples of %s', (page) => {
  // One after the other: later commands read what earlier ones wrote.
  const directory = directoryFor();

  test.each(examplesOf(page))('$command', async ({ command, output }) => {
    const { stdout } = await runCommand(`exec 2>&1\n${command}`, '', directory);
    expect(stdout.trimEnd()).toBe(output);
  });
});

describe.each(PAGES.filter((page) => blocksOf(page, 'js').length > 0))('the programs of %s', (page) => {
  test.each(blocksOf(page, 'js').map((code, at) => ({ number: at + 1, code })))('program $number', ({ code }) => {
    const directory = directoryFor();
    writeFileSync(join(directory, 'program.mjs'), code);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], {
      cwd: directory,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).not.toBe('');
  });
});

test('there are examples, and README is short', () => {
  expect(examplesOf('README.md').length).toBeGreaterThanOrEqual(8);
  expect(readFileSync(join(PROJECT, 'README.md'), 'utf8').split('\n').length).toBeLessThanOrEqual(151);
});

test('every page is linked from README, and every link leads to a file', () => {
  const links = (page: string): string[] =>
    [...readFileSync(join(PROJECT, page), 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(
      ([, target = '']) => target,
    );
  expect(PAGES.slice(1).filter((page) => !links('README.md').includes(page))).toEqual([]);
  const missing = PAGES.flatMap((page) =>
    links(page).filter((target) => {
      const directory = join(PROJECT, page, '..');
      return !readdirSync(join(directory, target, '..')).includes(target.split('/').at(-1) ?? '');
    }),
  );
  expect(missing).toEqual([]);
});
