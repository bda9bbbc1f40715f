import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonFault, readJson } from '../../../src/core/json/read.ts';
import type { JsonNode } from '../../../src/core/json/read.ts';
import { SEED } from '../../support/seed.ts';

/** What `JSON.parse` would give. */
function plain({ value }: JsonNode): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...(value as ReadonlyMap<string, JsonNode>)].map(([key, node]) => [key, plain(node)]));
  return Array.isArray(value) ? (value as readonly JsonNode[]).map(plain) : value;
}

function attempt(read: () => unknown): unknown {
  try {
    return { value: read() };
  } catch {
    return 'refused';
  }
}

test('agrees with JSON.parse on every value, however it is laid out', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ noUnicodeString: false }),
      fc.constantFrom(undefined, 1, '\t'),
      fc.boolean(),
      (value, indent, isCrLf) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(plain(readJson(isCrLf ? text.replaceAll('\n', '\r\n') : text))).toEqual(JSON.parse(text));
      },
    ),
    { seed: SEED },
  );
});

test('agrees with JSON.parse on texts that are nearly JSON', () => {
  const scraps = fc.array(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"b',
      '"',
      '\\n',
      '"\\u12',
      '0',
      '01',
      '-',
      '1e5',
      '.5',
      'true',
      'truex',
      'null',
      ' ',
      '\n',
      '\t',
      '\u0001',
      'x',
    ),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(scraps, (parts) => {
      const text = parts.join('');
      const expected = attempt(() => JSON.parse(text) as unknown);
      const found = attempt(() => plain(readJson(text)));
      // Keys given twice are the one thing on which we are stricter.
      if (!/"a".*"a"/s.test(text)) expect(found).toEqual(expected);
    }),
    { seed: SEED, numRuns: 3000 },
  );
});

describe('faults tell the line', () => {
  test.each([
    ['', 1, 'expected a value, the file ends'],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 'expected `,` or `}`, found "\\"b\\": 2"'],
    ['{\r\n"a": [1,\r\n]}', 3, 'expected a value, found "]}"'],
    ['[1,\n2] 3', 2, 'expected the end of the file, found "3"'],
    ['{\n"a": 1,\n"a": 2}', 3, 'is a duplicate key'],
    ['{1: 2}', 1, 'expected a key in quotes, found "1: 2}"'],
    ['["x\n"]', 1, 'a string without its closing quote, or with an unknown escape'],
    ['["x', 1, 'a string without its closing quote'],
    ['["\\x"]', 1, 'a string without its closing quote, or with an unknown escape'],
    ['['.repeat(50_000), 1, 'nested deeper than 32 levels'],
  ])('%j', (text, line, message) => {
    const fault = ((): unknown => {
      try {
        return readJson(text);
      } catch (error) {
        return error;
      }
    })();
    expect(fault).toBeInstanceOf(JsonFault);
    expect(fault).toMatchObject({ line, message });
  });
});

test('a byte order mark is no part of the text', () => {
  expect(plain(readJson('\ufeff{"a": 1}'))).toEqual({ a: 1 });
});

test('a key like __proto__ is a key', () => {
  expect(Object.keys(plain(readJson('{"__proto__": 1, "constructor": 2}')) as object)).toEqual([
    '__proto__',
    'constructor',
  ]);
});

// A parser with quadratic time would exceed the time limit of the test.
test('long texts and long strings are parsed', () => {
  const text = JSON.stringify(
    Array.from({ length: 12_000 }, (_, i) => ({
      name: `package-${i}`,
      version: '1.0-1',
      size: i,
      sha512: 'ab'.repeat(64),
    })),
    undefined,
    2,
  );
  expect(readJson(text)).toMatchObject({ line: 1, path: '' });
  expect(() => readJson(`"${'x'.repeat(20_000_000)}`)).toThrow('closing quote');
});
