import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { sitesCommand } from '../../src/cli/commands/sites.ts';
import { Output } from '../../src/cli/terminal/output.ts';
import { parseWords } from '../../src/cli/options/parse.ts';
import { DEFAULTS } from '../../src/api/defaults.ts';
import { listSites } from '../../src/api/sites.ts';
import { closedAddress } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import { BYTES, rejection, startServer, tempDir, USER_AGENT } from './support.ts';

const LIST = [
  'https://a.example.org/cygwin/;a.example.org;Europe;Germany',
  'ftp://b.example.org/cygwin/;b.example.org;Europe;France',
  'http://c.example.org/;c.example.org;Asia;Japan',
  'http://d.example.org/;d.example.org;Asia;Japan;noshow',
  'nonsense',
].join('\n');

function listFile(text: string): string {
  const file = join(tempDir(), 'mirrors.lst');
  writeFileSync(file, text);
  return file;
}

/** Runs `sites` as the command line does. */
async function run(...argv: readonly string[]): Promise<{ exit: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const into = (name: keyof typeof written): Writable =>
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        written[name] += String(chunk);
        done();
      },
    });
  const host = { stdin: Readable.from([]), stdout: into('stdout'), stderr: into('stderr'), env: {} };
  const exit = await sitesCommand.task(parseWords(sitesCommand, argv))({ host, output: new Output(host) });
  return { exit, ...written };
}

const OPTIONS = { siteOptions: { userAgent: USER_AGENT } };

describe('cygstrap sites', () => {
  test('lists the mirrors of a file', async () => {
    expect(await run(listFile(LIST))).toEqual({
      exit: 0,
      stdout: 'https://a.example.org/cygwin/  Europe  Germany\nhttp://c.example.org/          Asia    Japan\n',
      stderr:
        'note: line 5 is not the URL of a mirror: `nonsense`\nnote: 2 mirrors left out: no longer ' +
        'offered by setup, or neither http nor https\n',
    });
  });

  test.each(['europe', 'GERMANY', 'Asia,Germany'])('of a region or country: %s', async (region) => {
    const { exit, stdout } = await run(listFile(LIST), '--region', region, '--quiet');
    expect([exit, stdout.split('\n')[0]]).toEqual([0, expect.stringContaining('a.example.org')]);
  });

  test('no such region', async () => {
    const { exit, stdout, stderr } = await run(listFile(LIST), '--region', 'Atlantis');
    expect([exit, stdout]).toEqual([1, '']);
    expect(stderr).toContain('no mirror matches; the list has Asia, Europe');
  });

  test('as JSON', async () => {
    const { stdout } = await run(listFile(LIST), '--json', '--region', 'Japan');
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 1,
      sites: [{ url: 'http://c.example.org/', host: 'c.example.org', region: 'Asia', country: 'Japan' }],
      leftOut: 1,
      faults: [{ line: 5 }],
    });
  });

  test('--path without --benchmark makes no sense', async () => {
    expect(await rejection(run(listFile(LIST), '--path', 'x'))).toMatchObject({ code: 'usage' });
  });

  test('the benchmark lists working mirrors first, and the reasons of the others', async () => {
    const server = await startServer({ [`/good/${DEFAULTS.benchmarkPath}`]: fault.serve(BYTES) });
    const lines = [`${await closedAddress()}/;dead;x;y`, `${server.url}/bad/;bad;x;y`, `${server.url}/good/;good;x;y`];
    const { exit, stdout } = await run(listFile(lines.join('\n')), '--benchmark');
    expect(exit).toBe(0);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^ *[\d.]+ [KMG]?i?B\/s +\d+ ms {2}.*\/good\/ /),
      expect.stringMatching(/^ *- +- {2}.*connection refused/),
      expect.stringMatching(/^ *- +- {2}.*\/bad\/ .*the site answers 404$/),
      '',
    ]);
    expect((await run(listFile(lines[1] ?? ''), '--benchmark')).exit).toBe(3);
  });
});

describe('the list', () => {
  test('from a URL, with retries', async () => {
    const server = await startServer({
      '/lists/mirrors.lst': [fault.status(500, { 'retry-after': '0' }), fault.serve(Buffer.from(LIST))],
    });
    const { sites, list } = await listSites({ list: `${server.url}/lists/mirrors.lst`, regions: [] }, OPTIONS);
    expect([sites.length, list, server.count()]).toEqual([2, `${server.url}/lists/mirrors.lst`, 2]);
  });

  test.each([
    ['a portal', fault.html(), 'fetch'],
    ['a list without a mirror', fault.serve(Buffer.from('# none\nx')), 'parse'],
    ['a list without an end', fault.serve(Buffer.alloc(5_000_000, 'x')), 'limit'],
  ] as const)('%s', async (_name, answer, code) => {
    const server = await startServer({ '/mirrors.lst': answer });
    expect(await rejection(listSites({ list: `${server.url}/mirrors.lst`, regions: [] }, OPTIONS))).toMatchObject({
      code,
    });
  });

  test('a file that is not there', async () => {
    expect(await rejection(listSites({ list: join(tempDir(), 'nothing'), regions: [] }, OPTIONS))).toMatchObject({
      code: 'not-found',
    });
  });

  test('an abort ends a benchmark with its reason', async () => {
    const server = await startServer({ '/x': fault.silence() });
    const control = new AbortController();
    const reason = { stop: 'please' };
    setTimeout(() => control.abort(reason), 30);
    const query = { list: listFile(`${server.url}/;a;b;c`), regions: [], benchmarkPath: 'x' };
    expect(await rejection(listSites(query, { ...OPTIONS, signal: control.signal }))).toBe(reason);
    await server.drained();
  });
});
