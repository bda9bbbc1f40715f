import { readFileSync } from 'node:fs';
import { posix, win32 } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Config } from '../../../src/core/config/config.ts';
import { mergeConfig, resolvePaths } from '../../../src/core/config/merge.ts';
import { CONFIG_FIELDS, parseConfig } from '../../../src/core/config/parse.ts';

const WHOLE: Required<Config> = {
  $schema: './node_modules/cygstrap/src/core/config/cygstrap.schema.json',
  packages: ['openssh', 'gcc-g++', 'vim=9.0.2155-1'],
  categories: ['Devel', 'Two Words'],
  buildDepends: ['git'],
  arch: 'x86_64',
  sites: ['https://mirror.example/cygwin/', '../mirror', 'C:\\mirror'],
  addSites: [
    { address: '../ours', keys: ['keys/ours.asc'] },
    { address: 'https://a.example/', unsigned: true },
  ],
  keyring: ['keys/ours.asc'],
  windows: '10.0.19045',
  test: true,
  source: false,
  base: true,
  repo: './repo',
  layout: 'site',
};

describe('a project file', () => {
  test('is read as it is written', () => {
    expect(parseConfig(JSON.stringify(WHOLE), 'x')).toEqual(WHOLE);
    expect(parseConfig('{}', 'x')).toEqual({});
    expect(parseConfig('\ufeff{\r\n"base": false\r\n}\r\n', 'x')).toEqual({ base: false });
  });

  test.each([
    ['', 'p.json:1: expected a value, the file ends'],
    ['[]', 'p.json:1: must be an object, not a list'],
    ['{\n  "package": []\n}', 'p.json:2: `package` is an unknown field; valid fields: $schema, packages, categories'],
    ['{\n  "packages": [\n    "a",\n    "a"\n  ]\n}', 'p.json:4: `packages[1]` repeats `a`'],
    ['{\n  "base": true,\n  "base": false\n}', 'p.json:3: `base` is a duplicate key'],
    ['{"packages": "a"}', 'p.json:1: `packages` must be a list, not "a"'],
    ['{"packages": [""]}', '`packages[0]` must be a package as NAME or NAME=VERSION, not ""'],
    ['{"packages": ["a b"]}', '`packages[0]` must be a package'],
    ['{"packages": ["a,b"]}', '`packages[0]` must be a package'],
    ['{"packages": [1.0]}', '`packages[0]` must be a package as NAME or NAME=VERSION, not 1'],
    ['{"layout": "tree"}', '`layout` must be "flat" or "site", not "tree"'],
    ['{"windows": 10}', '`windows` must be a version of Windows like 10.0.19045, or a kind like windows-7, not 10'],
    ['{"arch": "X86"}', '`arch` must be "x86_64" or "x86" or "aarch64", not "X86"'],
    ['{"test": null}', '`test` must be true or false, not null'],
    ['{"keyring": "a.asc"}', '`keyring` must be a list'],
    ['{"sites": [{"keys": []}]}', '`sites[0]` has no field `address`'],
    ['{"sites": [{"address": "a", "key": "b"}]}', '`sites[0].key` is an unknown field'],
    ['{"sites": ["a", {"address": "a", "unsigned": true}]}', '`sites[1]` repeats `a`'],
    ['{"repo": ""}', '`repo` must be some text'],
    ['{"sites": ["a\\nb"]}', '`sites[0]` must be some text without control characters, not "a\\nb"'],
  ])('%j is refused', (text, message) => {
    expect(() => parseConfig(text, 'p.json')).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) }) as Error,
    );
  });
});

describe('the command line', () => {
  test('overrides each field apart', () => {
    const commandLine = { packages: ['vim'], categories: [], base: false, test: undefined, windows: '6.3.9600' };
    expect(mergeConfig(WHOLE, commandLine)).toEqual({ ...WHOLE, packages: ['vim'], base: false, windows: '6.3.9600' });
    expect(mergeConfig({}, { packages: undefined })).toEqual({});
  });
});

test('paths are relative to the file, addresses are not paths', () => {
  expect(resolvePaths(WHOLE, (path) => posix.resolve('/home/me/project', path))).toMatchObject({
    sites: ['https://mirror.example/cygwin/', '/home/me/mirror', '/home/me/project/C:\\mirror'],
    addSites: [
      { address: '/home/me/ours', keys: ['/home/me/project/keys/ours.asc'] },
      { address: 'https://a.example/', unsigned: true },
    ],
    keyring: ['/home/me/project/keys/ours.asc'],
    repo: '/home/me/project/repo',
  });
  expect(resolvePaths(WHOLE, (path) => win32.resolve('D:\\project', path))).toMatchObject({
    sites: ['https://mirror.example/cygwin/', 'D:\\mirror', 'C:\\mirror'],
    keyring: ['D:\\project\\keys\\ours.asc'],
    repo: 'D:\\project\\repo',
  });
  expect(resolvePaths({}, () => 'never')).toEqual({});
});

interface Schema {
  readonly type?: 'string' | 'array' | 'boolean' | 'object';
  readonly minLength?: number;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly items?: Schema;
  readonly uniqueItems?: boolean;
  readonly additionalProperties?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly $ref?: string;
}

const KNOWN_WORDS = new Set([
  '$schema',
  'title',
  'description',
  'default',
  'examples',
  'type',
  'minLength',
  'pattern',
  'enum',
  'items',
  'uniqueItems',
  'additionalProperties',
  'properties',
  'required',
  'anyOf',
  'definitions',
  '$ref',
]);

/** Whether a value is of a schema, for the words that ours uses; throws for any other word. */
function meets(schema: Schema, value: unknown, definitions = schema.definitions): boolean {
  for (const word of Object.keys(schema))
    if (!KNOWN_WORDS.has(word)) throw new Error(`the check does not know \`${word}\``);
  const named = schema.$ref?.replace('#/definitions/', '');
  if (named !== undefined) return meets(definitions?.[named] ?? { enum: [] }, value, definitions);
  if (schema.anyOf !== undefined) return schema.anyOf.some((one) => meets(one, value, definitions));
  if (schema.enum !== undefined) return schema.enum.includes(value);
  if (schema.type === 'boolean') return typeof value === 'boolean';
  if (schema.type === 'string')
    return (
      typeof value === 'string' &&
      value.length >= (schema.minLength ?? 0) &&
      new RegExp(schema.pattern ?? '', 'u').test(value)
    );
  if (schema.type === 'array')
    return (
      Array.isArray(value) &&
      value.every((item) => meets(schema.items ?? {}, item, definitions)) &&
      (schema.uniqueItems !== true || new Set(value).size === value.length)
    );
  if (schema.type !== 'object') throw new Error('a schema without type');
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    (schema.required ?? []).every((name) => name in value) &&
    Object.entries(value).every(([name, item]) => meets(schema.properties?.[name] ?? { enum: [] }, item, definitions))
  );
}

describe('the JSON Schema', () => {
  const schema = JSON.parse(
    readFileSync(new URL('../../../src/core/config/cygstrap.schema.json', import.meta.url), 'utf8'),
  ) as Schema;

  test('has the fields of the parser, and no others', () => {
    expect(Object.keys(schema.properties ?? {})).toEqual(Object.keys(CONFIG_FIELDS));
    expect(schema.additionalProperties).toBe(false);
    expect(Object.keys(WHOLE)).toEqual(Object.keys(CONFIG_FIELDS));
  });

  /** Values of every kind, for every field. */
  const values: unknown[] = [
    null,
    true,
    false,
    0,
    1.5,
    '',
    'a',
    'a b',
    'a,b',
    'X',
    'flat',
    'site',
    '10.0',
    '10.0.19045',
    'windows-8.1',
    'windows-8x1',
    '10',
    'x86_64',
    {},
    [],
    ['a'],
    ['a', 'b'],
    ['a', 'a'],
    [''],
    ['a b'],
    ['a,b'],
    ['a=1.0-1'],
    [1],
    [null],
    [['a']],
    [{ address: 'a' }],
    ['a', { address: 'b', keys: ['c'], unsigned: true }],
    [{ address: '' }],
    [{ keys: [] }],
    [{ address: 'a', keys: 'b' }],
    [{ address: 'a', unsigned: 1 }],
    [{ address: 'a', more: true }],
  ];
  test.each(Object.keys(CONFIG_FIELDS))('agrees with the parser on %s', (name) => {
    for (const value of values) {
      const config = { [name]: value };
      const isParsed = ((): boolean => {
        try {
          parseConfig(JSON.stringify(config), 'x');
          return true;
        } catch {
          return false;
        }
      })();
      expect(meets(schema, config), JSON.stringify(config)).toBe(isParsed);
    }
  });

  test('agrees with the parser on whole files', () => {
    expect(meets(schema, WHOLE)).toBe(true);
    expect(meets(schema, {})).toBe(true);
    expect(meets(schema, { packages: ['a'], package: ['b'] })).toBe(false);
  });
});
