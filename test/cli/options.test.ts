import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import type { Command, Option } from '../../src/cli/options/declare.ts';
import type { Session } from '../../src/cli/terminal/session.ts';
import { environmentOf } from '../../src/cli/commands/vm-environment.ts';
import { parseWords } from '../../src/cli/options/parse.ts';
import { variableOf } from '../../src/cli/options/variables.ts';

/** A valid value for each placeholder; all others accept any text. */
const SAMPLES: Readonly<Record<string, string>> = {
  BYTES: '8',
  N: '7',
  SIZE: '2G',
  TIME: '90s',
  HEX: 'a'.repeat(64),
  'LETTER:=SHARE': 'Z:=xchg',
};

function sampleOf({ choices, valueName = '' }: Option<unknown>): string {
  return choices?.[0] ?? SAMPLES[valueName] ?? 'sample';
}

/** The words that an option of a command needs: mandatory positionals and options, and the option that it needs. */
function neededBy({ positionals, options }: Command, except: string): string[] {
  const needs = options[except]?.needs;
  const mandatory = Object.entries(options).filter(
    ([name, { isRequired }]) => (isRequired === true && name !== except) || name === needs,
  );
  return [
    ...Object.values(positionals).flatMap(({ kind }) => (kind === 'one' || kind === 'some' ? ['word'] : [])),
    ...mandatory.map(([name, option]) => (option.kind === 'flag' ? `--${name}` : `--${name}=${sampleOf(option)}`)),
  ];
}

const cases = COMMANDS.flatMap((command) =>
  Object.entries(command.options).map(([name, option]) => ({
    command,
    name,
    option,
    label: `${command.name} --${name}`,
  })),
);
const flags = cases.filter(({ option }) => option.kind === 'flag');
const valued = cases.filter(({ option }) => option.kind !== 'flag');

function parse({ command, name }: (typeof cases)[number], ...words: string[]) {
  const given = parseWords(command, [...neededBy(command, name), ...words]);
  command.task(given);
  return given.options.get(name);
}

describe('every flag', () => {
  test.each(flags)('$label is accepted', (each) => {
    expect(parse(each, `--${each.name}`)).toEqual(['']);
  });

  test.each(flags)('$label accepts no value', (each) => {
    for (const value of ['maybe', '1', 'true', 'false', ''])
      expect(() => parse(each, `--${each.name}=${value}`)).toThrow(`--${each.name} accepts no value`);
  });
});

describe('one name for one thing', () => {
  /** Options for another file of the kind than the one that a command is about. */
  const OTHER_ROLES = ['since', 'before', 'with'];
  const files = valued.filter(({ name, option }) => option.valueName === 'FILE' && !OTHER_ROLES.includes(name));

  test.each([
    ['lock', /^[^;]*\b(?:this|new) lock\b/],
    ['index', /^[^;]*\b(?:this setup\.ini|this index)\b/],
  ])('a file that is a %s is given with an option of that name', (name, help) => {
    const given = files.filter(({ option }) => help.test(option.help));
    expect([...new Set(given.map((each) => each.name))]).toEqual([name]);
  });
});

describe('the variable of every option', () => {
  const OWN_MEANING = ['site', 'product-key'];
  const read = ({ command, name }: (typeof cases)[number], text: string, ...words: string[]) => {
    const given = parseWords(command, [...neededBy(command, name), ...words], { [variableOf(name)]: text });
    command.task(given);
    return given.options.get(name);
  };

  test.each(flags)('$label is 1 or 0', (each) => {
    expect([read(each, '1'), read(each, '0'), read(each, '')]).toEqual([[''], undefined, undefined]);
    expect(() => read(each, 'yes')).toThrow(`the variable ${variableOf(each.name)} must be 1 or 0: \`yes\``);
  });

  test.each(valued.filter(({ name }) => !OWN_MEANING.includes(name)))('$label is its value', (each) => {
    const sample = sampleOf(each.option);
    expect(read(each, sample)).toEqual([sample]);
    expect(read(each, 'other', `--${each.name}=${sample}`)).toEqual([sample]);
    if (each.option.isRequired !== true) expect(read(each, '')).toBeUndefined();
    if (each.option.kind === 'list') expect(read(each, ` ${sample}\n${sample} `)).toEqual([sample, sample]);
  });

  test.each(valued.filter(({ name }) => OWN_MEANING.includes(name)))('$label has a meaning of its own', (each) => {
    expect(read(each, 'text')).toBeUndefined();
  });

  test('is named if its value is wrong', () => {
    const command = COMMANDS.find(({ name }) => name === 'fetch');
    const given = command && parseWords(command, [], { CYGSTRAP_JOBS: 'many' });
    expect(() => given && command.task(given)).toThrow('the variable CYGSTRAP_JOBS: --jobs must be a number');
  });
});

describe('options that exclude each other', () => {
  const [files] = COMMANDS.filter(({ name }) => name === 'files');
  const given = (words: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
    files && Object.fromEntries(parseWords(files, ['bash', ...words], environment).options);

  test.each(['index', 'site', 'add-site', 'unsigned-site', 'keyring', 'listing-site', 'ca-file'])('--%s', (name) => {
    expect(() => given(['--repo=r', `--${name}=x`])).toThrow(`--repo cannot be combined with --${name}`);
  });

  test('--unsigned', () => {
    expect(() => given(['--unsigned', '--repo=r'])).toThrow('--repo cannot be combined with --unsigned');
  });

  test('a variable gives way to the command line, and no variable makes an error', () => {
    const environment = { CYGSTRAP_REPO: 'r', CYGSTRAP_KEYRING: 'k' };
    expect(given(['--index=i'], environment)).toEqual({ index: ['i'], keyring: ['k'] });
    expect(given(['--repo=s'], environment)).toEqual({ repo: ['s'] });
    expect(given([], environment)).toEqual({ repo: ['r'] });
    expect(given([], { CYGSTRAP_KEYRING: 'k' })).toEqual({ keyring: ['k'] });
  });
});

describe('options and arguments that exclude each other, of every command', () => {
  const pairs = COMMANDS.flatMap((command) =>
    Object.entries(command.options).flatMap(([name, { excludes = [] }]) =>
      excludes.map((other) => ({ label: `${command.name}: --${name} and ${other}`, command, name, other })),
    ),
  );
  const typed = ({ options, positionals }: Command, name: string): readonly string[] => {
    const option = options[name];
    if (option === undefined) return name in positionals ? ['x'] : [`--no-such-${name}`];
    return option.kind === 'flag' ? [`--${name}`] : [`--${name}=x`];
  };
  test.each(pairs)('$label', ({ command, name, other }) => {
    const given = (words: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
      parseWords(command, [...neededBy(command, name), ...words], environment).options;
    const [one, two] = [typed(command, name), typed(command, other)];
    expect(() => given([...one, ...two])).toThrow(`--${name} cannot be combined with `);
    // The command line counts before the variables.
    const variable = (option: string) => ({
      [variableOf(option)]: command.options[option]?.kind === 'flag' ? '1' : 'x',
    });
    expect([...given(two, variable(name)).keys()]).not.toContain(name);
    if (other in command.options) expect([...given(one, variable(other)).keys()]).not.toContain(other);
  });
});

describe('an option without effect but for another one', () => {
  const given = (words: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
    const [fetch] = COMMANDS.filter(({ name }) => name === 'fetch');
    return fetch && Object.fromEntries(parseWords(fetch, words, environment).options);
  };

  test('is refused on the command line', () => {
    expect(() => given(['--installer-site=s'])).toThrow('--installer-site needs --installer');
  });

  test('from a variable counts only with that one', () => {
    const environment = { CYGSTRAP_INSTALLER_SITE: 's' };
    expect(given([], environment)).toEqual({});
    expect(given(['--installer'], environment)).toEqual({ installer: [''], 'installer-site': ['s'] });
    expect(given([], { ...environment, CYGSTRAP_INSTALLER: '1' })).toMatchObject({ 'installer-site': ['s'] });
  });
});

describe('every option with a value', () => {
  test.each(valued)('$label accepts one after = and as the next word', (each) => {
    const sample = sampleOf(each.option);
    expect(parse(each, `--${each.name}=${sample}`)).toEqual([sample]);
    expect(parse(each, `--${each.name}`, sample)).toEqual([sample]);
  });

  test.each(valued)('$label needs one', (each) => {
    for (const words of [[], ['--help'], ['--quiet'], ['--', 'x']])
      expect(() => parse(each, `--${each.name}`, ...words)).toThrow(`--${each.name} needs a value`);
    expect(() => parse(each, `--${each.name}=`)).toThrow(`--${each.name} has an empty value`);
    expect(() => parse(each, `--${each.name}`, '')).toThrow(`--${each.name} has an empty value`);
  });

  test.each(valued.filter(({ option }) => option.kind === 'value'))('$label accepts only one', (each) => {
    const word = `--${each.name}=${sampleOf(each.option)}`;
    expect(() => parse(each, word, word)).toThrow(`--${each.name} is given more than once`);
  });

  test.each(valued.filter(({ option }) => option.kind === 'list'))('$label can be repeated', (each) => {
    const sample = sampleOf(each.option);
    expect(parse(each, `--${each.name}=${sample}`, `--${each.name}`, sample)).toEqual([sample, sample]);
  });

  test.each(valued.filter(({ option }) => option.choices !== undefined))('$label accepts only its choices', (each) => {
    for (const choice of each.option.choices ?? []) expect(parse(each, `--${each.name}=${choice}`)).toEqual([choice]);
    expect(() => parse(each, `--${each.name}=other`)).toThrow(`--${each.name} must be one of`);
  });

  test.each(valued.filter(({ option }) => Object.hasOwn(SAMPLES, option.valueName ?? '')))(
    '$label accepts only a quantity',
    (each) => {
      for (const value of ['x', '-1', '1.5', '7 ', '1e3', '99999999999'])
        expect(() => parse(each, `--${each.name}=${value}`)).toThrow(`--${each.name} `);
    },
  );

  test.each(valued.filter(({ option }) => option.isRequired === true))('$label is required', (each) => {
    expect(() => parse(each)).toThrow(`--${each.name} is missing`);
  });
});

describe('every command', () => {
  test.each(COMMANDS)('$name refuses unknown options', (command) => {
    for (const word of ['--bogus', '--bogus=1', '--no-json', '-x', '--__proto__', '--constructor=x'])
      expect(() => parseWords(command, [...neededBy(command, ''), word])).toThrow(
        `unknown option: \`${word.replace(/=.*/, '')}\``,
      );
  });

  test.each(COMMANDS)('$name checks the number of its arguments', (command) => {
    const kinds = Object.values(command.positionals).map(({ kind }) => kind);
    const takesAll = kinds.includes('rest') || kinds.includes('some');
    const optional = kinds.filter((kind) => kind === 'optional').map(() => 'word');
    const extra = [...neededBy(command, ''), ...optional, 'extra'];
    if (takesAll) parseWords(command, extra);
    else expect(() => parseWords(command, extra)).toThrow('unexpected argument: `extra`');
    if (kinds.includes('one') || kinds.includes('some'))
      expect(() => parseWords(command, [])).toThrow(/^the argument <\w+> is missing$/);
  });

  test('has help in one form', () => {
    for (const { name, summary, options, positionals } of COMMANDS) {
      const texts = [summary, ...Object.values(options).map(({ help }) => help)];
      for (const text of [...texts, ...Object.values(positionals).map(({ help }) => help)]) {
        expect(text, name).toMatch(/^[A-Z].*[^.]$/);
        expect(text.length, text).toBeLessThanOrEqual(110);
      }
    }
  });
});

test('--all-env passes neither paths nor the product key to a guest', () => {
  const env = { CC: 'gcc', PATH: '/bin', CYGSTRAP_PRODUCT_KEY: 'AAAAA' };
  expect(environmentOf({ host: { env } } as unknown as Session, { env: [], allEnv: true })).toEqual({ CC: 'gcc' });
});
