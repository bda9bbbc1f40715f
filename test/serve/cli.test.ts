import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';

let repo = '';
beforeAll(() => {
  repo = mkdtempSync(join(tmpdir(), 'cygstrap-serve-cli-'));
  writeFileSync(join(repo, 'setup.ini'), '# index');
});
afterAll(() => rmSync(repo, { recursive: true, force: true }));

/** Runs `serve` until the signal, which this process gives to itself. */
async function serving(
  argv: readonly string[],
  signal: 'SIGINT' | 'SIGTERM',
  visit: (line: string) => Promise<void>,
): Promise<{ exit: number; stderr: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const errors = text(stderr);
  const ended = main(['serve', ...argv], { stdin: Readable.from([]), stdout, stderr, env: {} });
  const line = await new Promise<string>((resolve) =>
    stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
  );
  try {
    await visit(line.trim());
  } finally {
    process.emit(signal);
  }
  const exit = await ended;
  stderr.end();
  return { exit, stderr: await errors };
}

test('prints the address when it is ready; exits with 130 when interrupted', async () => {
  const { exit, stderr } = await serving([repo, '--verbose'], 'SIGINT', async (url) => {
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(await (await request(`${url}setup.ini`)).body.text()).toBe('# index');
    await (await request(`${url}%1b[2J`)).body.dump();
  });
  expect(exit).toBe(130);
  expect(stderr).toMatch(
    /^note: GET \/setup\.ini: 200, 7 bytes, \d+ ms\nnote: GET \/%1b\[2J: 400, 16 bytes, \d+ ms\n$/,
  );
  expect([process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')]).toEqual([0, 0]);
});

test('prints JSON; exits with 0 on SIGTERM', async () => {
  const { exit, stderr } = await serving(
    [repo, '--json', '--port', '0', '--host', 'localhost'],
    'SIGTERM',
    async (line) => {
      expect(JSON.parse(line)).toEqual({
        schema: 1,
        url: expect.stringMatching(/^http:\/\/localhost:\d+\/$/),
        addresses: [{ url: (JSON.parse(line) as { url: string }).url, site: null, setup: null }],
      });
    },
  );
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
});

test('fails for a missing directory and a port in use', async () => {
  const run = async (...argv: string[]): Promise<{ exit: number; stderr: string }> => {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const exit = await main(['serve', ...argv], { stdin: Readable.from([]), stdout, stderr, env: {} });
    stderr.end();
    return { exit, stderr: await text(stderr) };
  };
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  expect(await run(repo, '--port', String(port))).toMatchObject({
    exit: 3,
    stderr: expect.stringContaining('another program uses this port'),
  });
  other.close();
  expect(await run(join(repo, 'absent'))).toMatchObject({
    exit: 3,
    stderr: expect.stringContaining('no such directory'),
  });
  for (const bad of ['-1', '65536', '80x', ''])
    expect(await run(repo, `--port=${bad}`)).toMatchObject({ exit: 2, stderr: expect.stringContaining('--port') });
  expect([process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')]).toEqual([0, 0]);
});
