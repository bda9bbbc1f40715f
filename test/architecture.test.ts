import { readFileSync, readdirSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { factsOf } from './support/imports.ts';
import { PROJECT } from './support/transcript.ts';

interface Room {
  readonly name: string;
  /** Modules from outside it may use; none: the room is pure. */
  readonly effects: readonly string[];
  readonly mayImport: ReadonlyMap<string, 'all' | 'types'>;
}

const SRC = join(PROJECT, 'src');

/** Reads the table of rooms: `name`, what it owns, effects, imports. */
function readRooms(markdown: string): Map<string, Room> {
  const rooms = new Map<string, Room>();
  for (const row of markdown.split('\n').filter((line) => line.startsWith('| `'))) {
    const [, names = '', , effects = '', imports = ''] = row.split('|').map((cell) => cell.trim());
    const mayImport = new Map<string, 'all' | 'types'>();
    if (imports === 'every room above') for (const above of rooms.keys()) mayImport.set(above, 'all');
    else
      for (const match of imports.matchAll(/`([\w/-]+)`( \(types\))?/g))
        mayImport.set(match[1] ?? '', match[2] === undefined ? 'all' : 'types');
    for (const match of names.matchAll(/`([\w/-]+)`/g)) {
      const name = match[1] ?? '';
      rooms.set(name, { name, effects: [...effects.matchAll(/`([^`]+)`/g)].map((each) => each[1] ?? ''), mayImport });
    }
  }
  return rooms;
}

const rooms = readRooms(readFileSync(join(SRC, 'README.md'), 'utf8'));
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => path.endsWith('.ts'))
  .sort();

function roomOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  if (!path.includes('/')) return path.replace(/\.ts$/, '');
  return first === 'core' ? `core/${second}` : first;
}

/** What is wrong with a file's imports, one sentence each. */
function faultsOf(path: string, source: string): string[] {
  const room = rooms.get(roomOf(path));
  if (room === undefined) return [`${path}: its room is not in the table`];
  const { imports, ambient } = factsOf(path, source);
  const faults = imports.flatMap(({ from, isTypeOnly }) => {
    if (!from.startsWith('.'))
      return room.effects.includes(from) || (isTypeOnly && room.effects.includes(`${from} (types)`))
        ? []
        : [`${path}: the effects of ${room.name} do not list ${from}`];
    const target = roomOf(relativeTo(path, from));
    const allowed = target === room.name ? 'all' : room.mayImport.get(target);
    if (allowed === 'all' || (allowed === 'types' && isTypeOnly)) return [];
    return [`${path}: ${room.name} may not import ${allowed === 'types' ? 'more than types of ' : ''}${target}`];
  });
  const world = ambient.filter((name) => !room.effects.includes(name));
  return [...faults, ...world.map((name) => `${path}: the effects of ${room.name} do not list ${name}`)];
}

function relativeTo(path: string, from: string): string {
  return posix.join(posix.dirname(path), from);
}

describe('every import follows an arrow of src/README.md', () => {
  test('the table has the rooms there are, and no others', () => {
    expect([...rooms.keys()].sort()).toEqual([...new Set(files.map(roomOf))].sort());
  });

  test.each(files)('%s', (path) => {
    expect(faultsOf(path, readFileSync(join(SRC, path), 'utf8'))).toEqual([]);
  });

  test('only src/index.ts re-exports', () => {
    const barrels = files.filter(
      (path) =>
        path !== 'index.ts' && /^export (type )?(\*|\{[^}]*\}) from/m.test(readFileSync(join(SRC, path), 'utf8')),
    );
    expect(barrels).toEqual([]);
  });
});

describe('a wrong arrow is found', () => {
  test.each([
    ['static', "import { main } from '../../cli/main.ts';"],
    ['type-only', "import type { Host } from '../../cli/output.ts';"],
    ['inline type', "import { type Host } from '../../cli/output.ts';"],
    ['re-export', "export { main } from '../../cli/main.ts';"],
    ['dynamic', "export const load = () => import('../../cli/main.ts');"],
    ['import type expression', "export type Host = import('../../cli/output.ts').Host;"],
    ['a node module', "import { readFileSync } from 'node:fs';"],
    ['a package', "import yargs from 'yargs';"],
    ['the environment', 'export const home = process.env.HOME;'],
    ['the clock', 'export const now = Date.now();'],
    ['randomness', 'export const dice = Math.random();'],
  ])('%s', (_name, source) => {
    expect(faultsOf('core/version/probe.ts', source)).toHaveLength(1);
  });

  test('types only is not all', () => {
    const [types] = [...rooms.values()].flatMap((room) =>
      [...room.mayImport].filter(([, what]) => what === 'types').map(([target]) => ({ room: room.name, target })),
    );
    if (types === undefined) return;
    const from = `${'../'.repeat(types.room.split('/').length)}${types.target}/x.ts`;
    expect(faultsOf(`${types.room}/probe.ts`, `import { x } from '${from}';`)).toHaveLength(1);
    expect(faultsOf(`${types.room}/probe.ts`, `import type { X } from '${from}';`)).toEqual([]);
  });

  test('a computed import cannot be checked and is refused', () => {
    expect(() => factsOf('probe.ts', 'export const load = (x: string) => import(x);')).toThrow('computed');
  });
});
