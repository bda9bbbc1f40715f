import { readFileSync, readdirSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { factsOf } from './support/imports.ts';
import { PROJECT } from './support/transcript.ts';

/** What each word of the column "effects" allows. Packages are listed there by name. */
const EFFECTS: Readonly<Record<string, readonly string[]>> = {
  files: ['node:fs', 'node:fs/promises'],
  programs: ['node:child_process'],
  threads: ['node:worker_threads'],
  network: ['node:net', 'node:dns', 'node:http', 'node:tls'],
  clock: [
    'Date',
    'performance',
    'setTimeout',
    'setInterval',
    'setImmediate',
    'node:perf_hooks',
    'node:timers',
    'node:timers/promises',
  ],
  environment: ['process', 'node:process', 'node:os', 'node:module', 'require'],
  randomness: ['Math.random'],
  v8: ['node:v8', 'node:vm'],
};

/** Modules without effects. Pure rooms may not import them either. */
const PLAIN_MODULES = [
  'node:crypto',
  'node:events',
  'node:path',
  'node:path/posix',
  'node:stream',
  'node:stream/promises',
  'node:url',
  'node:util',
  'node:zlib',
];

interface Room {
  readonly name: string;
  /** Modules and globals it may use; none: the room is pure. */
  readonly world: readonly string[];
  readonly mayImport: ReadonlyMap<string, 'all' | 'types'>;
}

interface SourceFile {
  readonly path: string;
  readonly room: string;
  /** Paths in src and names of modules. */
  readonly imports: readonly { readonly target: string; readonly isTypeOnly: boolean }[];
  readonly ambient: readonly string[];
}

const SRC = join(PROJECT, 'src');

/** Reads the table of rooms: `name`, what it owns, effects, imports. */
function readRooms(markdown: string): Map<string, Room> {
  const rooms = new Map<string, Room>();
  for (const row of markdown.split('\n').filter((line) => line.startsWith('| `'))) {
    const [, names = '', , effects = '', imports = ''] = row.split('|').map((cell) => cell.trim());
    const mayImport = new Map<string, 'all' | 'types'>();
    if (imports === 'every room above') for (const above of rooms.keys()) mayImport.set(above, 'all');
    for (const [, name = '', types] of imports.matchAll(/`([\w/-]+)`( \(types\))?/g)) {
      const isCore = name === 'core';
      for (const target of isCore ? [...rooms.keys()].filter((each) => each.startsWith('core/')) : [name])
        mayImport.set(target, types === undefined ? 'all' : 'types');
    }
    for (const [, name = ''] of names.matchAll(/`([\w/-]+)`/g))
      rooms.set(name, { name, world: worldOf(effects), mayImport });
  }
  return rooms;
}

function worldOf(effects: string): string[] {
  if (effects === 'none') return [];
  const words = effects.split(',').map((word) => word.trim());
  return [...PLAIN_MODULES, ...words.flatMap((word) => EFFECTS[word] ?? [word.replaceAll('`', '')])];
}

function roomOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  if (!path.includes('/')) return path.replace(/\.ts$/, '');
  return first === 'core' ? `core/${second}` : first;
}

function read(path: string, source: string): SourceFile {
  const { imports, ambient } = factsOf(path, source);
  const targetOf = (from: string): string => (from.startsWith('.') ? posix.join(posix.dirname(path), from) : from);
  return {
    path,
    room: roomOf(path),
    imports: imports.map(({ from, isTypeOnly }) => ({ target: targetOf(from), isTypeOnly })),
    ambient,
  };
}

const rooms = readRooms(readFileSync(join(SRC, 'README.md'), 'utf8'));
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .map((path) => read(path, readFileSync(join(SRC, path), 'utf8')));

/** Returns one sentence for each import or global that the table does not allow. */
function faultsOf({ path, room: name, imports, ambient }: SourceFile): string[] {
  const room = rooms.get(name);
  if (room === undefined) return [`${path}: its room is not in the table`];
  const faults = imports.flatMap(({ target, isTypeOnly }) => {
    if (!target.endsWith('.ts')) return room.world.includes(target) ? [] : [`${path}: ${name} may not use ${target}`];
    const targetRoom = roomOf(target);
    const allowed = targetRoom === name ? 'all' : room.mayImport.get(targetRoom);
    if (allowed === 'all' || (allowed === 'types' && isTypeOnly)) return [];
    return [`${path}: ${name} may not import ${allowed === 'types' ? 'more than types of ' : ''}${targetRoom}`];
  });
  const globals = ambient.filter((each) => !room.world.includes(each));
  return [...faults, ...globals.map((each) => `${path}: ${name} may not use ${each}`)];
}

/** Returns the files that are in a circle of imports, types included. A file is in a
 *  circle if it reaches itself. */
function circles(all: readonly SourceFile[]): string[] {
  const targets = new Map(all.map(({ path, imports }) => [path, imports.map(({ target }) => target)]));
  return all.flatMap(({ path }) => {
    const reached = new Set<string>();
    const waiting = [...(targets.get(path) ?? [])];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (reached.has(next)) continue;
      reached.add(next);
      waiting.push(...(targets.get(next) ?? []));
    }
    return reached.has(path) ? [path] : [];
  });
}

/** Returns the imports from a folder into the folder above it, where that folder imports from it too. */
function upwardImports(all: readonly SourceFile[]): string[] {
  const isInside = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);
  return all.flatMap(({ path, imports }) => {
    const folder = posix.dirname(path);
    return imports.flatMap(({ target }) => {
      const above = posix.dirname(target);
      if (!target.endsWith('.ts') || !isInside(folder, above)) return [];
      const [below = ''] = folder.slice(above.length + 1).split('/');
      const isImported = all.some(
        (each) =>
          posix.dirname(each.path) === above && each.imports.some((one) => isInside(one.target, `${above}/${below}`)),
      );
      return isImported ? [`${path} imports ${target}, and ${above} imports ${above}/${below}`] : [];
    });
  });
}

describe('the table of rooms in src/README.md', () => {
  test('lists the rooms of src, and no others', () => {
    expect([...rooms.keys()].sort()).toEqual([...new Set(files.map(({ room }) => room))].sort());
  });

  test.each([...rooms.keys()])('%s: imports and effects', (name) => {
    expect(files.filter(({ room }) => room === name).flatMap(faultsOf)).toEqual([]);
  });
});

describe('the imports of src', () => {
  test('have no circle of files', () => {
    expect(circles(files)).toEqual([]);
  });

  test('never lead from a folder up to the folder that imports it', () => {
    expect(upwardImports(files)).toEqual([]);
  });

  test('only src/index.ts re-exports', () => {
    const isBarrel = (path: string): boolean =>
      /^export (type )?(\*|\{[^}]*\}) from/m.test(readFileSync(join(SRC, path), 'utf8'));
    expect(files.map(({ path }) => path).filter((path) => path !== 'index.ts' && isBarrel(path))).toEqual([]);
  });
});

describe('the checks find', () => {
  test.each([
    ['a static import', "import { main } from '../../cli/main.ts';"],
    ['a type-only import', "import type { Host } from '../../cli/terminal/output.ts';"],
    ['an inline type', "import { type Host } from '../../cli/terminal/output.ts';"],
    ['a re-export', "export { main } from '../../cli/main.ts';"],
    ['a dynamic import', "export const load = () => import('../../cli/main.ts');"],
    ['a type expression', "export type Host = import('../../cli/terminal/output.ts').Host;"],
    ['a module of Node.js', "import { readFileSync } from 'node:fs';"],
    ['a module without effects', "import { join } from 'node:path';"],
    ['a package', "import yargs from 'yargs';"],
    ['the environment', 'export const home = process.env.HOME;'],
    ['the clock', 'export const now = Date.now();'],
    ['randomness', 'export const dice = Math.random();'],
  ])('%s', (_name, source) => {
    expect(faultsOf(read('core/version/probe.ts', source))).toHaveLength(1);
  });

  test('a value where only types are allowed', () => {
    const typesOnly = [...rooms.values()].flatMap(({ name, mayImport }) =>
      [...mayImport].filter(([, what]) => what === 'types').map(([target]) => ({ name, target })),
    );
    for (const { name, target } of typesOnly) {
      const from = `${'../'.repeat(name.split('/').length)}${target}/x.ts`;
      expect(faultsOf(read(`${name}/probe.ts`, `import { x } from '${from}';`))).toHaveLength(1);
      expect(faultsOf(read(`${name}/probe.ts`, `import type { X } from '${from}';`))).toEqual([]);
    }
  });

  test('a computed import', () => {
    expect(() => factsOf('probe.ts', 'export const load = (x: string) => import(x);')).toThrow('computed');
  });

  test('a circle and an import upward', () => {
    const [a, b, below] = [
      read('x/a.ts', "import type { B } from './b.ts'; import { c } from './y/c.ts';"),
      read('x/b.ts', "import { a } from './a.ts';"),
      read('x/y/c.ts', "import { d } from '../d.ts';"),
    ];
    expect(circles([a, b, below])).toEqual(['x/a.ts', 'x/b.ts']);
    expect(upwardImports([a, b, below])).toEqual(['x/y/c.ts imports x/d.ts, and x imports x/y']);
    expect(upwardImports([b, below])).toEqual([]);
  });
});
