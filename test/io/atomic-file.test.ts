import { readFileSync, readdirSync, statSync, writeFileSync, mkdirSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  createAtomically,
  replaceFile,
  targetOfTemporary,
  temporaryPathOf,
  writeFileAtomically,
} from '../../src/io/atomic-file.ts';
import { emptyDirectory } from './support.ts';

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'rename' });
}

/** A system whose rename fails with each of the codes in turn, then succeeds. */
function failing(...codes: readonly string[]) {
  const calls: string[] = [];
  const delaysMs: number[] = [];
  const left = codes.values();
  return {
    calls,
    delaysMs,
    rename: async (from: string, to: string): Promise<void> => {
      calls.push(`${from} -> ${to}`);
      const { value: code } = left.next();
      if (code !== undefined) throw systemError(code);
    },
    sleep: async (delayMs: number): Promise<void> => void delaysMs.push(delayMs),
  };
}

describe('replaceFile', () => {
  test.each(['EPERM', 'EBUSY', 'EACCES'])('repeats a rename that fails with %s', async (code) => {
    const system = failing(code, code, code);
    await replaceFile('a', 'b', system);
    expect(system.calls).toEqual(Array.from({ length: 4 }, () => 'a -> b'));
    expect(system.delaysMs).toEqual(system.delaysMs.toSorted((a, b) => a - b));
  });

  test('gives up within 4 seconds, with the last error', async () => {
    const system = failing(...Array.from({ length: 100 }, () => 'EBUSY'));
    await expect(replaceFile('a', 'b', system)).rejects.toMatchObject({ code: 'EBUSY' });
    const totalMs = system.delaysMs.reduce((sum, each) => sum + each, 0);
    expect(totalMs).toBeGreaterThan(2000);
    expect(totalMs).toBeLessThan(4000);
  });

  test.each(['ENOENT', 'ENOSPC', 'EXDEV', 'EISDIR'])('does not repeat after %s', async (code) => {
    const system = failing(code);
    await expect(replaceFile('a', 'b', system)).rejects.toMatchObject({ code });
    expect(system.calls).toHaveLength(1);
  });
});

test('temporary paths are in the same directory, unique, and recognizable', () => {
  const path = join('some', 'dir.d', 'file.json');
  const [a, b] = [temporaryPathOf(path), temporaryPathOf(path)];
  expect(a).not.toBe(b);
  expect(a.startsWith(`${path}.`)).toBe(true);
  expect(targetOfTemporary(a)).toBe('file.json');
  expect(targetOfTemporary(path)).toBeUndefined();
  expect(targetOfTemporary('.0123456789abcdef.tmp')).toBeUndefined();
  expect(targetOfTemporary('file.0123.tmp')).toBeUndefined();
});

describe('writeFileAtomically', () => {
  test('replaces a file, sets the mode, and leaves only the file', async () => {
    const directory = emptyDirectory();
    const path = join(directory, 'note');
    writeFileSync(path, 'old');
    await writeFileAtomically(path, 'new', { durable: true, mode: 0o600 });
    expect(readFileSync(path, 'utf8')).toBe('new');
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['note']);
  });

  test('leaves the old content and no temporary file on failure', async () => {
    const directory = emptyDirectory();
    const path = join(directory, 'note');
    mkdirSync(path);
    await expect(writeFileAtomically(path, 'new')).rejects.toMatchObject({ syscall: 'rename' });
    expect(readdirSync(directory)).toEqual(['note']);
    await expect(writeFileAtomically(join(directory, 'missing', 'note'), 'new')).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

test('createAtomically publishes a directory only when it is complete', async () => {
  const directory = emptyDirectory();
  const path = join(directory, 'made');
  const make = (isComplete: boolean) =>
    createAtomically(path, async (temporary) => {
      mkdirSync(temporary);
      writeFileSync(join(temporary, 'file'), 'x');
      expect(existsSync(path)).toBe(false);
      if (!isComplete) throw new Error('stopped');
      return 'done';
    });
  await expect(make(false)).rejects.toThrow('stopped');
  expect(readdirSync(directory)).toEqual([]);
  expect(await make(true)).toBe('done');
  expect(readdirSync(path)).toEqual(['file']);
  expect(readdirSync(directory)).toEqual(['made']);
});
