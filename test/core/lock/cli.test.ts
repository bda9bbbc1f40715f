import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../../src/cli/main.ts';
import { parseLock } from '../../../src/core/lock/parse.ts';

const INDEX = 'fixtures/demo/setup.ini';

let base = '';
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'cygstrap-lock-'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

async function run(...argv: string[]): Promise<{ exit: number; stdout: string; stderr: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const texts = Promise.all([text(stdout), text(stderr)]);
  const exit = await main(argv, { stdin: Readable.from([]), stdout, stderr, env: { XDG_CACHE_HOME: base } });
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { exit, stdout: out.replaceAll(base, '[base]'), stderr: err.replaceAll(base, '[base]') };
}

const at = (name: string): string => join(base, name);

/** The index of a later day, in which bash has moved. */
function laterIndex(): string {
  const path = at('later.ini');
  const moved = readFileSync(INDEX, 'utf8')
    .replaceAll('bash-5.2.21-1', 'bash-5.2.22-1')
    .replace('version: 5.2.21-1\n', 'version: 5.2.22-1\n')
    .replace('setup-timestamp: 1700000000', 'setup-timestamp: 1800000000');
  writeFileSync(path, moved);
  return path;
}

describe('lock', () => {
  test('writes a lock, and writes it again only when it changes', async () => {
    const out = at('a.lock.json');
    const first = await run('lock', 'vim', '--index', INDEX, '--lock', out);
    expect(first).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/^locked in `\[base\]\/a\.lock\.json`: \d+ packages, \d+ files, [\d.]+ MiB\n$/),
    });
    const lock = parseLock(readFileSync(out, 'utf8'), out);
    expect(lock).toMatchObject({
      resolver: expect.stringMatching(/^cygstrap \d/),
      request: { packages: ['vim'], arch: 'x86_64' },
      indexes: [{ release: 'demo', timestamp: 1_700_000_000, signer: 'unsigned' }],
    });
    const { mtimeMs } = statSync(out);
    writeFileSync(out, readFileSync(out, 'utf8').replaceAll('\n', '\r\n'));
    expect((await run('lock', 'vim', '--index', INDEX, '--lock', out)).stdout).toMatch(/^nothing changed: locked in /);
    expect(readFileSync(out, 'utf8')).toContain('\r\n');
    expect(statSync(out).mtimeMs).toBeGreaterThanOrEqual(mtimeMs);
    expect(readdirSync(base).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('prints the changes, as text and as JSON', async () => {
    const out = at('b.lock.json');
    await run('lock', 'vim', '--index', INDEX, '--lock', out);
    const { stdout } = await run('lock', 'vim', '--index', laterIndex(), '--lock', out);
    expect(stdout).toMatch(
      /^~ {2}bash {2}5\.2\.21-1 {2}5\.2\.22-1 {2}upgrade\n0 added, 0 removed, 1 changed, 1\.8 MiB to download, 1\.8 MiB no longer needed\nlocked in /,
    );
    const json = JSON.parse((await run('lock', 'vim', '--index', INDEX, '--lock', out, '--json')).stdout) as Record<
      string,
      unknown
    >;
    expect(json).toMatchObject({
      schema: 1,
      lock: '[base]/b.lock.json',
      written: true,
      request: { packages: ['vim'] },
      difference: { changed: [{ name: 'bash', direction: 'downgrade' }] },
    });
  });

  test('replaces an unreadable lock, with a warning', async () => {
    const out = at('c.lock.json');
    writeFileSync(out, '<<<<<<< ours\n{}');
    const { exit, stderr } = await run('lock', 'vim', '--index', INDEX, '--lock', out);
    expect({ exit, stderr }).toEqual({
      exit: 0,
      stderr: expect.stringContaining(
        'warning: cannot compare with the previous lock: [base]/c.lock.json:1: expected a value',
      ),
    });
    expect(parseLock(readFileSync(out, 'utf8'), out).packages.length).toBeGreaterThan(3);
  });

  test('leaves the lock alone when there is no plan', async () => {
    const out = at('d.lock.json');
    const { exit, stderr } = await run('lock', 'nonsense', '--index', INDEX, '--lock', out);
    expect({ exit, stderr: stderr.split('\n')[0] }).toEqual({ exit: 1, stderr: expect.stringContaining('nonsense') });
    expect(readdirSync(base)).not.toContain('d.lock.json');
  });

  test.each([
    [['lock', 'vim', '--installed', 'x', '--index', INDEX], 'unknown option: `--installed`'],
    [['lock', '--check', '--index', INDEX], '--check cannot be combined with --index'],
    [['update', 'vim=9', '--index', INDEX], '`update` accepts only package names: `vim=9`'],
  ])('%j is misuse', async (argv, message) => {
    expect(await run(...argv)).toMatchObject({ exit: 2, stderr: expect.stringContaining(message) });
  });

  test('to where nothing can be written', async () => {
    expect(await run('lock', 'vim', '--index', INDEX, '--lock', at('nowhere/x.json'))).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('cannot write'),
    });
  });
});

describe('lock --check', () => {
  test('compares the request, and nothing else', async () => {
    const out = at('e.lock.json');
    await run('lock', 'vim', '--source', '--index', INDEX, '--lock', out);
    expect(await run('lock', '--check', 'vim', '--source', '--lock', out)).toEqual({
      exit: 0,
      stdout: '`[base]/e.lock.json` answers the request\n',
      stderr: '',
    });
    expect(await run('lock', '--check', '--lock', out)).toEqual({
      exit: 0,
      stdout: '`[base]/e.lock.json` is well formed; there is no request to compare it with\n',
      stderr: '',
    });
    expect(await run('lock', '--check', 'vim', 'bash', '--lock', out)).toMatchObject({
      exit: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^error: `\[base\]\/e\.lock\.json` was made for another request: package `bash`: asked for, and not in the request of the lock; source: `false` is asked for, and the lock was made for `true`\nhint: /,
      ),
    });
    const json = JSON.parse((await run('lock', '--check', 'vim', '--lock', out, '--json')).stdout) as Record<
      string,
      unknown
    >;
    expect(json).toMatchObject({
      error: {
        code: 'lock',
        details: { differences: [{ kind: 'changed', field: 'source', locked: true, asked: false }] },
      },
    });
  });

  test('without a lock', async () => {
    expect(await run('lock', '--check', '--lock', at('absent.json'))).toMatchObject({
      exit: 3,
      stderr: 'error: no such lock: `[base]/absent.json`\nhint: create it with `cygstrap lock`\n',
    });
  });
});

describe('a project file', () => {
  test('is the request, and the command line overrides it', async () => {
    const out = at('f.lock.json');
    const config = at('project.json');
    writeFileSync(config, '{ "packages": ["vim"], "base": false }');
    const request = (): unknown => parseLock(readFileSync(out, 'utf8'), out).request;
    await run('lock', '--config', config, '--index', INDEX, '--lock', out);
    expect(request()).toMatchObject({ packages: ['vim'], base: false, source: false });
    expect(await run('lock', '--check', '--config', config, '--lock', out)).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('answers the request of `[base]/project.json`'),
    });
    expect(await run('lock', '--check', '--config', config, '--source', '--lock', out)).toMatchObject({ exit: 1 });
    await run('lock', 'bash', '--source', '--config', config, '--index', INDEX, '--lock', out);
    expect(request()).toMatchObject({ packages: ['bash'], base: false, source: true });
  });

  test('that is not there, or wrong', async () => {
    expect(await run('lock', '--check', '--config', at('absent.json'))).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('no such project file'),
    });
    writeFileSync(at('wrong.json'), '{\n  "pakages": []\n}');
    expect(await run('lock', '--check', '--config', at('wrong.json'))).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('wrong.json:2: `pakages` is an unknown field'),
    });
    writeFileSync(at('latin1.json'), Buffer.from('{"arch": "\xe4"}', 'latin1'));
    expect(await run('lock', '--check', '--config', at('latin1.json'))).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('is not valid UTF-8'),
    });
  });
});

describe('update', () => {
  test('keeps the request of the lock, and updates the named packages', async () => {
    const out = at('g.lock.json');
    await run('lock', 'vim', '--source', '--no-base', '--index', INDEX, '--lock', out);
    const before = parseLock(readFileSync(out, 'utf8'), out);
    const nothing = await run('update', 'vim', '--index', INDEX, '--lock', out);
    expect(nothing.stdout).toMatch(/^nothing changed/);
    await run('update', '--index', laterIndex(), '--lock', out);
    expect(parseLock(readFileSync(out, 'utf8'), out).request).toEqual(before.request);
    expect(await run('update', 'absent', '--index', INDEX, '--lock', out)).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('neither in the lock nor required by the request: `absent`'),
    });
  });

  test('accepts an option in addition to the request of the lock', async () => {
    const out = at('h.lock.json');
    await run('lock', 'vim', '--index', INDEX, '--lock', out);
    await run('update', '--source', '--index', INDEX, '--lock', out);
    expect(parseLock(readFileSync(out, 'utf8'), out).request).toMatchObject({ packages: ['vim'], source: true });
  });
});
