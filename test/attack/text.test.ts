import fc from 'fast-check';
import { expect } from 'vitest';
import { parseInstalledDb } from '../../src/core/resolve/installed.ts';
import { CygstrapError } from '../../src/errors.ts';
import { readLines } from '../../src/io/lines.ts';
import { parseMirrorList } from '../../src/site/mirror-list.ts';
import { runCli } from '../support/run-cli.ts';
import type { CliRun } from '../support/run-cli.ts';
import { attack } from './support.ts';

const HASH = 'a'.repeat(128);

/** What no output can have: controls but tab and line feed, format characters, separators, lone surrogates. */
const UNSAFE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

const HOSTILE = (
  '\u001b[2J \u001b]0;title\u0007 \u009b31m \b\b \r \u007f \u0085 \u00ad \u061c \u200b \u200e \u202e \u2028 \u2029 ' +
  '\u2060 \u2066 \ufeff \ufff9 \u{e0041} \\u{1b}'
).split(' ');
const PLAIN = [
  '\nhint: run this',
  'a',
  'B',
  '7',
  ' ',
  '.',
  '-',
  'é',
  '日',
  '\u{1f600}',
  '\\',
  '`',
  '$(x)',
  '{}',
  '<b>',
];

/** Text with hostile characters, without the quote that ends a text of an index and the NUL that it cannot have. */
const hostile = fc
  .array(fc.constantFrom(...HOSTILE, ...PLAIN, '\n', '\t'), { minLength: 1, maxLength: 12 })
  .map((parts) => parts.join(''));
/** A name or version: a quoted word of an index can contain anything but a line feed, and no blank at its ends. */
const word = hostile.map((text) => `w${text.replaceAll('\n', '')}w`);

const index = fc.record({
  name: word,
  version: word,
  other: word,
  sdesc: hostile,
  ldesc: hostile,
  message: hostile,
  category: word,
  release: word,
});
type HostileIndex = typeof index extends fc.Arbitrary<infer T> ? T : never;

/** The text of an index; words and texts are quoted, so setup accepts all of them. */
function textOf({ name, version, other, sdesc, ldesc, message, category, release }: HostileIndex): string {
  const archive = (path: string): string => `install: x86_64/release/${path}.tar.xz 10 ${HASH}\n`;
  return [
    `release: "${release}"\n\n@ "${name}"\nsdesc: "${sdesc}"\nldesc: "${ldesc}"\ncategory: "${category}"\n`,
    `message: id "${message}"\nreplace-versions: "${other}"\nversion: "${version}"\n${archive('one')}`,
    `depends2: "${other}", "no ${name}"\n\n@ "${other}"\nsdesc: "${sdesc}"\nversion: "${version}"\n`,
    `${archive('two')}provides: "p${name}"\n`,
  ].join('');
}

/** Checks that an output has no unsafe character, and stderr no line that looks like a message. */
function expectPrintable({ stdout, stderr, exit }: CliRun): void {
  expect(stderr).not.toMatch(/^hint: run this/m);
  expect(UNSAFE.test(stdout), JSON.stringify(stdout)).toBe(false);
  expect(UNSAFE.test(stderr), JSON.stringify(stderr)).toBe(false);
  expect(exit).toBeLessThan(4);
}

attack(
  'hostile characters in every field of an index; search, info, resolve, why, lint, as text and JSON',
  'no raw control in any output; JSON has the values of the index',
  { count: 200, from: index },
  async (fields) => {
    const stdin = textOf(fields);
    const run = async (...words: readonly string[]): Promise<CliRun> => {
      const result = await runCli(words, { stdin });
      expectPrintable(result);
      return result;
    };
    const read = ['--index', '-', '--no-cache'];
    for (const command of ['info', 'why', 'resolve']) await run(command, ...read, '--', fields.name);
    await run('search', ...read, '--', 'w');
    await run('resolve', ...read, '--format', 'tree', '--', fields.other);
    await run('lint', '-');
    await run('lint', '-', '--json');
    await run('resolve', ...read, '--json', '--', fields.name);
    const { package: info, index: summary } = JSON.parse(
      (await run('info', ...read, '--json', '--', fields.name)).stdout,
    ) as { readonly package: unknown; readonly index: unknown };
    const { name, version, sdesc, ldesc, category, message, other, release } = fields;
    if (name !== other)
      expect(info).toMatchObject({
        name,
        sdesc,
        ldesc,
        categories: [category],
        message: { id: 'id', text: message },
        replaceVersions: [other],
        versions: [{ version, depends: [{ name: other }, { name: `no ${name}` }] }],
      });
    expect(summary).toMatchObject({ release });
  },
);

attack(
  'hostile characters in the words of a command line: names, versions, categories, paths, options',
  'no raw control in the error, as text and JSON',
  {
    count: 300,
    from: fc.tuple(fc.constantFrom(...HOSTILE, '\0', '\ud800', '\udfff'), hostile, fc.nat(7), fc.boolean()),
  },
  async ([character, rest, which, json]) => {
    const text = `x${character}${rest}`;
    const index = ['--index', 'fixtures/demo/setup.ini', '--no-cache'];
    const lines: readonly (readonly string[])[] = [
      ['info', ...index, '--', text],
      ['resolve', ...index, '--', text],
      ['resolve', ...index, `--category=${text}`],
      ['resolve', ...index, `--build-depends=${text}`, '--', `vim=${text}`],
      ['why', ...index, '--', text],
      ['lint', `no/${text.replaceAll('\0', '')}`],
      ['resolve', `--${text}`],
      ['search', ...index, '--', text],
    ];
    expectPrintable(
      await runCli([
        ...(lines[which] ?? []).slice(0, 1),
        ...(json ? ['--json'] : []),
        ...(lines[which] ?? []).slice(1),
      ]),
    );
  },
);

/** Lines of which some are replaced by hostile text, cut at the end, with LF or CR LF. */
function damaged(line: (n: number) => string) {
  return fc
    .tuple(
      fc.array(fc.option(fc.oneof(hostile, fc.string({ unit: 'binary', maxLength: 30 })), { freq: 3 }), {
        maxLength: 12,
      }),
      fc.nat(40),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
    )
    .map(([replaced, cut, end, isMarked]) => {
      const lines = replaced.map((other, n) => (other ?? line(n)) + end).join('');
      return (isMarked ? '\ufeff' : '') + lines.slice(0, lines.length - (cut > 20 ? 0 : cut));
    });
}

/** Numbers of the lines that contain something. */
function filledLines(text: string): { readonly number: number; readonly line: string }[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : [{ number: i + 1, line: line.trim() }]));
}

attack(
  'an installed.db with hostile lines, cut, with CR LF or a byte order mark',
  'each line is a package or is named with its number',
  { count: 2000, from: damaged((n) => (n === 0 ? 'INSTALLED.DB 3' : `pkg${n} pkg${n}-1.${n}-1.tar.bz2 ${n % 2}`)) },
  (text) => {
    const warnings: string[] = [];
    let names: readonly string[] = [];
    let named: readonly number[] = [];
    try {
      names = parseInstalledDb(text, 'db', (message) => warnings.push(message)).map(({ name }) => name);
    } catch (error) {
      if (!(error instanceof CygstrapError)) throw error;
      expect(error.code).toBe('parse');
      expect(UNSAFE.test(error.message)).toBe(false);
      if (error.details === undefined) return; // another format
      named = (error.details as { readonly lines: readonly number[] }).lines;
      expect(named.length).toBeGreaterThan(0);
      for (const line of named.slice(0, 20)) expect(error.message).toContain(`db:${line}: `);
    }
    const warned = warnings.map((message) => Number(/^db:(\d+): /.exec(message)?.[1] ?? 0));
    for (const { number, line } of filledLines(text)) {
      if (number === 1 && /^INSTALLED\.DB \d+$/i.test(line)) continue;
      const isNamed = named.includes(number) || warned.includes(number);
      if (named.length === 0 && !isNamed) expect(names).toContain(line.split(/[ \t]+/)[0]);
      if (named.length > 0 && !isNamed) expect(line).toMatch(/^\S+\s+\S+\.tar/);
    }
    if (filledLines(text).length === 0) expect(warnings).toEqual(['`db` is empty: no package counts as installed']);
  },
);

attack(
  'a mirrors.lst with hostile lines, cut, with CR LF or a byte order mark',
  'each line is a mirror, a comment or is named with its number',
  { count: 2000, from: damaged((n) => `https://m${n}.example/cygwin/;m${n}.example;Europe;Spain`) },
  (text) => {
    const { mirrors, faults } = parseMirrorList(text);
    const urls = new Set(mirrors.map(({ url }) => url));
    const named = new Set(faults.map(({ line }) => line));
    for (const { number, line } of filledLines(text)) {
      if (line.startsWith('#') || named.has(number)) continue;
      expect(urls).toContain((line.split(';')[0] ?? '').trim().replace(/\/?$/, '/'));
    }
    for (const { url, host, region, country } of mirrors)
      expect(UNSAFE.test(url + host + region + country)).toBe(false);
  },
);

attack(
  'lines of commands or requests with hostile bytes, in chunks of any size',
  'each line has its text, or a reason why it has none',
  {
    count: 1000,
    from: fc.tuple(
      fc.array(fc.oneof(hostile, fc.uint8Array({ maxLength: 20 })), { maxLength: 10 }),
      fc.integer({ min: 1, max: 50 }),
    ),
  },
  async ([parts, size]) => {
    const bytes = Buffer.concat(parts.map((part) => Buffer.concat([Buffer.from(part), Buffer.from('\n')])));
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    const expected = bytes
      .toString('latin1')
      .split('\n')
      .slice(0, -1)
      .map((line) => Buffer.from(line, 'latin1'));
    let at = 0;
    for await (const { number, text = '', fault } of readLines(chunksOf(chunks))) {
      const line = expected[at++] ?? Buffer.alloc(0);
      expect(number).toBe(at);
      const original = number === 1 ? line.toString().replace(/^\ufeff/, '') : line.toString();
      expect(text).toBe(original.replace(/\r$/, ''));
      const isValid = Buffer.from(line.toString()).equals(line) && !line.includes(0);
      expect(fault === undefined).toBe(isValid);
    }
    expect(at).toBe(expected.length);
  },
);

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}
