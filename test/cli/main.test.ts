import { PassThrough, Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { EXIT_BUG, reportFailure } from '../../src/cli/terminal/failure.ts';
import { main } from '../../src/cli/main.ts';
import { Output } from '../../src/cli/terminal/output.ts';
import { CygstrapError } from '../../src/errors.ts';
import { runCli } from '../support/run-cli.ts';
import type { CliRun } from '../support/run-cli.ts';

const INDEX = 'fixtures/demo/setup.ini';

describe('color', () => {
  test('is used on a terminal only, and not with NO_COLOR', async () => {
    const colored = await runCli(['nonsense'], { isTTY: true });
    expect(colored.stderr).toContain('\u001b[31merror:\u001b[0m');
    for (const parts of [{}, { isTTY: true, env: { NO_COLOR: '1' } }, { isTTY: true, env: { TERM: 'dumb' } }]) {
      expect((await runCli(['nonsense'], parts)).stderr).not.toContain('\u001b');
    }
  });
});

describe('failures', () => {
  const failing =
    (error: unknown, format: 'text' | 'json' = 'text') =>
    async (): Promise<CliRun> => {
      const stdout = new PassThrough();
      const stderr = new PassThrough();
      const output = new Output({ stdin: Readable.from([]), stdout, stderr, env: {} });
      const exit = await reportFailure(error, output, format);
      stdout.end();
      stderr.end();
      return { exit, stdout: await text(stdout), stderr: await text(stderr) };
    };

  test('a CygstrapError prints message, causes and hint, and no stack', async () => {
    const cause = new Error('deep \u001b[2J', { cause: 'deeper' });
    const outcome = await failing(new CygstrapError('io', 'cannot read `x`', { cause, hint: 'try y' }))();
    expect(outcome).toEqual({
      exit: 3,
      stdout: '',
      stderr: "error: cannot read `x`\n  Caused by: deep \\u{1b}[2J\n  Caused by: 'deeper'\nhint: try y\n",
    });
  });

  test('a CygstrapError is JSON with --json', async () => {
    const outcome = await failing(new CygstrapError('io', 'no', { details: { path: 'x' } }), 'json')();
    expect(outcome).toMatchObject({ exit: 3, stderr: '' });
    expect(JSON.parse(outcome.stdout)).toEqual({
      schema: 1,
      error: { code: 'io', message: 'no', details: { path: 'x' } },
    });
  });

  test('other errors print their stack and are reported as a bug', async () => {
    const outcome = await failing(new TypeError('x is not a function'))();
    expect(outcome.exit).toBe(EXIT_BUG);
    expect(outcome.stderr).toMatch(/^error: TypeError: x is not a function\n {4}at /);
    expect(outcome.stderr).toMatch(/hint: this is a bug in cygstrap\n$/);
  });
});

describe('a closed stdout', () => {
  test('is not an error, and ends a batch', async () => {
    const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    let writes = 0;
    const stdout = new Writable({
      write(_chunk, _encoding, done) {
        done(++writes > 1 ? error : null);
      },
    });
    const stderr = new PassThrough();
    const request = '{"packages":["vim"]}\n';
    let requested = 0;
    function* requests(): Generator<Buffer, void, undefined> {
      for (; requested < 1000; requested++) yield Buffer.from(request);
    }
    const exit = await main(['resolve', '--batch', '-', '--index', INDEX], {
      stdin: Readable.from(requests()),
      stdout,
      stderr,
      env: {},
    });
    stderr.end();
    expect({ exit, stderr: await text(stderr) }).toEqual({ exit: 0, stderr: '' });
    expect(writes).toBe(2);
    expect(requested).toBeLessThan(100);
  });

  test('any other error of stdout is reported', async () => {
    const stdout = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
      },
    });
    const stderr = new PassThrough();
    const exit = await main(['resolve', 'vim', '--index', INDEX], {
      stdin: Readable.from([]),
      stdout,
      stderr,
      env: {},
    });
    stderr.end();
    expect(exit).toBe(3);
    expect(await text(stderr)).toBe('error: cannot write to stdout\n  Caused by: no space left\n');
  });
});

test('package names that look like numbers stay text', async () => {
  const { exit, stdout } = await runCli(['resolve', '1.0', '007', '--json', '--index', INDEX]);
  expect(exit).toBe(1);
  expect(JSON.parse(stdout).error.conflicts.map((each: { requested: string[] }) => each.requested)).toEqual([
    ['1.0'],
    ['007'],
  ]);
});

test('words after -- are packages, even with leading dashes', async () => {
  const { stdout } = await runCli(['resolve', '--json', '--index', INDEX, '--', '--json']);
  expect(JSON.parse(stdout).error.conflict.requested).toEqual(['--json']);
});

test('stdin can be an index', async () => {
  const { stdout } = await runCli(['search', 'x', '--index', '-'], {
    stdin: `@ x\nsdesc: "an x"\nversion: 1-1\ninstall: x.tar.xz 1 0123456789abcdef0123456789abcdef\n`,
  });
  expect(stdout).toBe('x  1-1  an x\n');
});
