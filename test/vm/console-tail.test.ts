import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tailConsole } from '../../src/vm/console-tail.ts';
import type { ConsolePart } from '../../src/vm/console-tail.ts';
import { temporaryDirectory } from './support.ts';

/** Reads a log until a condition is true. */
async function readUntil(path: string, isDone: (lines: string[], part: ConsolePart) => boolean): Promise<string[]> {
  const lines: string[] = [];
  const stop = new AbortController();
  for await (const part of tailConsole(path, stop.signal)) {
    lines.push(...part.lines);
    if (isDone(lines, part)) stop.abort();
  }
  return lines;
}

test('reads what is there, then what is added, also to a line without an end', async () => {
  const path = join(temporaryDirectory(), 'log');
  const opens: string[] = [];
  writeFileSync(path, 'one\r\ntwo\nlog');
  const lines = await readUntil(path, (_lines, { open }) => {
    if (opens.at(-1) === open) return false;
    opens.push(open);
    if (open === 'log') appendFileSync(path, 'in: ');
    if (open === 'login: ') appendFileSync(path, 'root\n# ');
    return open === '# ';
  });
  expect(lines).toEqual(['one', 'two', 'login: root']);
  expect(opens).toEqual(['log', 'login: ', '# ']);
});

test('waits for the file', async () => {
  const path = join(temporaryDirectory(), 'log');
  const reading = readUntil(path, (lines) => lines.length > 0);
  writeFileSync(path, 'late\n');
  expect(await reading).toEqual(['late']);
});

test('of a long log, reads the whole lines at its end', async () => {
  const path = join(temporaryDirectory(), 'log');
  const line = (i: number): string => `line ${String(i).padStart(6, '0')}`;
  writeFileSync(path, Array.from({ length: 20_000 }, (_, i) => `${line(i)}\n`).join(''));
  const lines = await readUntil(path, (read) => read.at(-1) === line(19_999));
  const first = 20_000 - lines.length;
  expect(lines).toEqual(Array.from({ length: lines.length }, (_, i) => line(first + i)));
  expect(lines.length).toBeGreaterThan(5000);
  expect(lines.length).toBeLessThan(6000);
});

test('control characters and characters that reorder text are removed or visible', async () => {
  const path = join(temporaryDirectory(), 'log');
  writeFileSync(path, '\u001b[2J\u001b[31mred\u001b[0m\u0007\n\u202eabc\u200b\n\u001b[1;1H');
  expect(await readUntil(path, (lines) => lines.length === 2)).toEqual(['red', '\\u{202e}abc\\u{200b}']);
});

test('ends when the signal is aborted, before there is a file and after', async () => {
  const path = join(temporaryDirectory(), 'log');
  const parts: ConsolePart[] = [];
  for await (const part of tailConsole(path, AbortSignal.abort())) parts.push(part);
  writeFileSync(path, 'one\n');
  for await (const part of tailConsole(path, AbortSignal.abort())) parts.push(part);
  expect(parts).toEqual([]);
});
