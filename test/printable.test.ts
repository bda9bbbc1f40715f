import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { printable, printableJson, printableLine, withoutControls } from '../src/printable.ts';
import { PROJECT } from './support/transcript.ts';

/** Every kind of character that must not reach a terminal: C0, DEL, C1, format characters with bidirectional controls,
 *  separators of lines and paragraphs, a lone surrogate, a tag above U+FFFF. */
const UNSAFE = (
  '0 7 8 d 1b 7f 80 85 9b 9f ad 61c 180e 200b 200d 200e 202a 202e 2028 2029 2060 2066 2069 feff fff9 d800 dfff ' +
  'e0001 1d173'
)
  .split(' ')
  .map((code) => String.fromCodePoint(parseInt(code, 16)));

describe('text', () => {
  test.each(UNSAFE)('%j is visible', (char) => {
    const code = char.codePointAt(0)?.toString(16) ?? '';
    expect(printable(`a${char}b`)).toBe(`a\\u{${code}}b`);
    expect(printableLine(`a${char}b`)).toBe(`a\\u{${code}}b`);
  });

  test('other characters stay, tabs and line feeds only where several lines are allowed', () => {
    const text = 'é \u{1f600} 日本 \u0301\u00a0\\u{1b}';
    expect([printable(`${text}\t\n`), printableLine(text)]).toEqual([`${text}\t\n`, text]);
    expect(printableLine('a\tb\nc')).toBe('a\\u{9}b\\u{a}c');
  });
});

describe('JSON', () => {
  test.each(UNSAFE)('%j is escaped in a key and in a value, and the value stays the same', (char) => {
    const value = { [`k${char}`]: [`a${char}b`] };
    for (const layout of ['indented', 'line'] as const) {
      const json = printableJson(value, layout);
      expect(printable(json)).toBe(json);
      expect(JSON.parse(json)).toEqual(value);
    }
  });

  test('the layouts are those of JSON.stringify', () => {
    const value = { a: ['é', '\u{1f600}', '\n'], b: undefined, c: null };
    expect(printableJson(value)).toBe(JSON.stringify(value, undefined, 2));
    expect(printableJson(value, 'line')).toBe(JSON.stringify(value));
    expect(printableJson(undefined)).toBe('null');
  });
});

test('escape sequences and control characters of a program are removed, tabs and line feeds kept', () => {
  expect(withoutControls('\u001b[31mred\u001b[0m\u0007\ta\r\nb\u009bc\u001bM')).toBe('red\ta\nbc');
});

test('only Output, the drawn progress and the output of a guest command write to the streams of the process', () => {
  const cli = join(PROJECT, 'src/cli');
  const writers = readdirSync(cli, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && /\bwrite\(|console\./.test(readFileSync(join(cli, path), 'utf8')))
    .map((path) => path.replaceAll('\\', '/'));
  expect(writers.sort()).toEqual([
    'commands/vm-run-each.ts',
    'commands/vm-run.ts',
    'terminal/output.ts',
    'terminal/progress-view.ts',
  ]);
});
