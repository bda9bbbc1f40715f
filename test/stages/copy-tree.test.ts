import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SFM_NAMES } from '../../src/guest/share-names.ts';
import { copyTree } from '../../src/stages/copy-tree.ts';
import { SEED } from '../support/seed.ts';
import { copyWhileChanging } from './changing-files.ts';

let root: string;
let from: string;
let to: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cyg-'));
  [from, to] = [join(root, 'from'), join(root, 'to')];
  mkdirSync(from);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const out = async (signal?: AbortSignal): Promise<void> => copyTree(from, to, { nameOf: SFM_NAMES.guestName, signal });
const into = async (): Promise<void> => copyTree(from, to, { nameOf: SFM_NAMES.storedName });
const failuresOf = async (copy: Promise<void>): Promise<[path: string, why: string][]> => {
  const error = (await copy.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  )) as { code: string; details: { failures: { path: string; why: string }[] } };
  expect(error.code).toBe('io');
  return error.details.failures.map(({ path, why }) => [path, why]);
};

describe('copyTree', () => {
  test('copies files, directories and links with times and modes, and keeps other files', async () => {
    const longest = 'x'.repeat(255);
    mkdirSync(join(from, 'a/empty'), { recursive: true });
    writeFileSync(join(from, 'a/run'), 'run', { mode: 0o741 });
    writeFileSync(join(from, longest), 'long');
    symlinkSync('/nowhere', join(from, 'link'));
    utimesSync(join(from, 'a/run'), 1000, 2000);
    utimesSync(join(from, 'a'), 3000, 4000);
    mkdirSync(join(to, 'a'), { recursive: true });
    writeFileSync(join(to, 'a/other'), 'kept');
    writeFileSync(join(to, 'a/run'), 'replaced');
    await out();
    expect((readdirSync(to, { recursive: true }) as string[]).sort()).toEqual(
      ['a', 'a/empty', 'a/other', 'a/run', 'link', longest].sort(),
    );
    const { mode, mtimeMs, atimeMs } = statSync(join(to, 'a/run'));
    expect([mode & 0o777, atimeMs, mtimeMs, statSync(join(to, 'a')).mtimeMs]).toEqual([0o741, 1e6, 2e6, 4e6]);
    expect(readFileSync(join(to, 'a/run'), 'utf8')).toBe('run');
    expect(readlinkSync(join(to, 'link'))).toBe('/nowhere');
  });

  test('never follows a link of the target directory', async () => {
    const outside = join(root, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'file'), 'mine');
    mkdirSync(join(from, 'directory'));
    writeFileSync(join(from, 'directory/planted'), 'x');
    writeFileSync(join(from, 'file'), 'new');
    mkdirSync(to);
    symlinkSync(outside, join(to, 'directory'));
    symlinkSync(join(outside, 'file'), join(to, 'file'));
    expect(await failuresOf(out())).toEqual([['directory', 'a file or link has its name there']]);
    expect(readdirSync(outside)).toEqual(['file']);
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('mine');
    expect(lstatSync(join(to, 'file')).isFile()).toBe(true);
  });

  test('reports what it cannot copy, and copies the rest', async () => {
    execFileSync('mkfifo', [join(from, 'fifo')]);
    const server = createServer().listen(join(from, 'socket'));
    writeFileSync(Buffer.concat([Buffer.from(`${from}/`), Buffer.of(0x78, 0xff)]), 'x');
    writeFileSync(join(from, 'a:'), 'x');
    execFileSync('mkfifo', [join(from, 'fifo2')]);
    writeFileSync(join(from, 'a\uf022'), 'x');
    writeFileSync(join(from, '\uf029'), 'x');
    mkdirSync(join(from, '.\uf029'));
    writeFileSync(join(from, '.\uf029/escaped'), 'x');
    mkdirSync(join(from, 'deep'));
    writeFileSync(join(from, 'deep/good'), 'x');
    const failures = await failuresOf(out());
    server.close();
    expect(failures.filter(([path]) => !path.startsWith('a'))).toEqual([
      ['.\uf029', 'its name cannot exist there'],
      ['fifo', 'it is neither a file nor a directory'],
      ['fifo2', 'it is neither a file nor a directory'],
      ['socket', 'it is neither a file nor a directory'],
      ['x\ufffd', 'its name cannot exist there'],
      ['\uf029', 'its name cannot exist there'],
    ]);
    expect(failures.filter(([path]) => path.startsWith('a')).map(([, why]) => why)).toEqual([
      'another file is called "a:" there',
    ]);
    expect((readdirSync(to, { recursive: true }) as string[]).sort()).toEqual(['a:', 'deep', 'deep/good']);
    expect(readdirSync(root).sort()).toEqual(['from', 'to']);
    await expect(out()).rejects.toThrow(
      /^not everything in `.*from` was copied to `.*to`: "\.\\uf029": its name cannot exist there; .*; and 1 more$/,
    );
  });

  test('stops at a signal', async () => {
    writeFileSync(join(from, 'file'), 'x');
    await expect(out(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(readdirSync(to)).toEqual([]);
  });

  test('a file that changes meanwhile is reported or copied from one moment, and never waited for', async () => {
    const { copied, reported } = await copyWhileChanging(root, 60);
    expect(copied).toBeGreaterThan(60);
    expect(reported).toBeGreaterThan(5);
  });
});

describe('names in shares', () => {
  const names = fc
    .array(fc.constantFrom('a', 'Ä', '😀', ':', '"', '*', '<', '>', '?', '|', '\n', '\x1b', '\x01', ' ', '.'), {
      minLength: 1,
      maxLength: 12,
    })
    .map((chars) => chars.join(''))
    .filter((name) => name !== '.' && name !== '..');

  test('every name has one stored name, which Windows allows, and comes back', () => {
    fc.assert(
      fc.property(names, (name) => {
        const stored = SFM_NAMES.storedName(name) ?? '';
        // oxlint-disable-next-line no-control-regex -- control characters are the subject
        expect(stored).not.toMatch(/[\x01-\x1f":*?<>|\\]|[. ]$/);
        expect(SFM_NAMES.guestName(stored)).toBe(name);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  test('a name that the guest would see as another one is reported', async () => {
    writeFileSync(join(from, 'a\uf022b'), 'x');
    writeFileSync(join(from, 'back\\slash'), 'x');
    writeFileSync(join(from, 'a:\n. '), 'y');
    expect(await failuresOf(into())).toEqual([
      ['a\uf022b', 'its name cannot exist there'],
      ['back\\slash', 'its name cannot exist there'],
    ]);
    expect(readdirSync(to)).toEqual(['a\uf022\uf00a.\uf028']);
  });
});
