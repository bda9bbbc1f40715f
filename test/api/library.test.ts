import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { PROJECT } from '../support/transcript.ts';

const run = promisify(execFile);

const read = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');
const PAGE = read('src/docs/library.md');

/** Returns the rows of the table of a section, without its head: the words in backticks of each cell. */
function table(section: string): string[][][] {
  const text = PAGE.slice(PAGE.indexOf(`## ${section}\n`)).split(/\n## /)[0] ?? '';
  const [, , ...rows] = text.split('\n').filter((line) => line.startsWith('|'));
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)),
  );
}

describe('the page of the library', () => {
  test('names the functions of every command, and the library has them', async () => {
    const library = (await import('../../src/index.ts')) as Readonly<Record<string, unknown>>;
    const rows = table('Commands and functions');
    expect(rows.flatMap(([commands = []]) => commands).sort()).toEqual(COMMANDS.map(({ name }) => name).sort());
    expect(rows.filter(([, functions = []]) => functions.length === 0).map(([commands]) => commands)).toEqual([
      ['completion'],
    ]);
    const functions = rows.flatMap(([, names = []]) => names);
    expect(functions.filter((name) => typeof library[name] !== 'function')).toEqual([]);
  });

  test('names only functions and classes that the library has', async () => {
    const library = (await import('../../src/index.ts')) as Readonly<Record<string, unknown>>;
    const words = [...PAGE.replaceAll(/^```.*?^```/gms, '').matchAll(/`([a-z]+(?:[A-Z]\w*)|[A-Z]\w+Error)`/g)];
    const fields = new Set(read('fixtures/library-api.txt').match(/\b\w+(?=\??:)/g));
    expect(words.map(([, word = '']) => word).filter((word) => !(word in library) && !fields.has(word))).toEqual([]);
  });

  test('lists every error code and every kind of event', () => {
    const codes = [...read('src/errors.ts').matchAll(/^ {2}\| '([\w-]+)'/gm)].map(([, code = '']) => code);
    expect(table('Errors').map(([codes = []]) => codes[0])).toEqual(expect.arrayContaining(codes));
    expect(table('Errors')).toHaveLength(codes.length);
    const kinds = [...read('src/events.ts').matchAll(/kind: '([\w-]+)'/g)].map(([, kind = '']) => kind);
    expect(
      table('Events and signals')
        .flatMap(([names = []]) => names)
        .sort(),
    ).toEqual(kinds.sort());
  });
});

test('exports every error class, except that of the command line', async () => {
  const library = (await import('../../src/index.ts')) as Readonly<Record<string, unknown>>;
  const files = readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && !path.startsWith('cli'),
  );
  const classes = files.flatMap((path) =>
    [...read(join('src', path)).matchAll(/^export class (\w+) extends CygstrapError/gm)].map(([, name = '']) => name),
  );
  expect(classes.filter((name) => typeof library[name] !== 'function')).toEqual([]);
  expect(classes.length).toBeGreaterThan(5);
});

describe('the programs of the page', () => {
  const programs = [...PAGE.matchAll(/^```(js|ts)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cygstrap-library-'));
    await mkdir(join(folder, 'node_modules'));
    await symlink(PROJECT, join(folder, 'node_modules/cygstrap'), 'junction');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('compile in strict mode, with the declarations of the package', async () => {
    const compilerOptions = {
      target: 'es2022',
      module: 'nodenext',
      types: ['node'],
      typeRoots: [join(PROJECT, 'node_modules/@types')],
      allowJs: true,
      checkJs: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noUnusedLocals: true,
      verbatimModuleSyntax: true,
      noEmit: true,
    };
    const config = join(folder, 'tsconfig.json');
    await writeFile(config, JSON.stringify({ compilerOptions, include: ['*.ts', '*.js'] }));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    for (const [at, { language, text }] of programs.entries())
      await writeFile(join(folder, `program-${at + 1}.${language}`), text);
    const tsc = join(PROJECT, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', config]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
    expect(programs.length).toBeGreaterThanOrEqual(8);
  });

  test('are formatted', async () => {
    const prettier = join(PROJECT, 'node_modules/prettier/bin/prettier.cjs');
    const options = ['--print-width', '120', '--single-quote', '--object-wrap', 'collapse', '--list-different'];
    const { stdout } = await run(process.execPath, [prettier, ...options, folder]).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout.split('\n').filter((file) => file.includes('program-'))).toEqual([]);
  });
});
