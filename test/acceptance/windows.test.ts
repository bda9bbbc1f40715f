import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCounterfeitIso } from '../rehearsal/medium.ts';
import { makeRelease } from '../rehearsal/release.ts';
import { INSTALL_PROGRAMS } from '../rehearsal/support.ts';
import { Bench } from '../stages/support.ts';
import { describeWith } from '../support/qemu.ts';
import { PROJECT } from '../support/transcript.ts';

const LIMIT_MS = 1_200_000;

/** Serves the files of a directory on loopback. */
async function serve(directory: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = join(directory, decodeURIComponent(request.url ?? ''));
    if (!path.startsWith(directory) || !existsSync(path) || !statSync(path).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': statSync(path).size });
    pipeline(createReadStream(path), response, () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describeWith([...INSTALL_PROGRAMS, 'curl'], 'test/acceptance/windows.sh', () => {
  let bench: Bench;
  let server: Server;
  let address: string;

  beforeAll(async () => {
    bench = await Bench.make();
    server = await serve(bench.path);
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    server.close();
    await bench.remove();
  });

  test('does every step with the rehearsed Windows, and keeps the evidence', { timeout: LIMIT_MS }, async () => {
    const image = await makeCounterfeitIso({ directory: bench.path, boot: 'no-prompt' });
    const sha256 = createHash('sha256').update(readFileSync(image)).digest('hex');
    const { keyring } = await makeRelease(bench.path);
    const [work, evidence] = [join(bench.path, 'work'), join(bench.path, 'evidence')];
    const sources = `--iso ${address}/win.iso --iso-sha256 ${sha256} --site ${address}/site/
      --installer-site ${address}/site/ --keyring ${keyring}`;
    const words = `${sources} --work ${work} --evidence ${evidence} --runs 3 -- --memory 1G --disk 32G`.split(/\s+/);
    const { stdout } = await promisify(execFile)(join(PROJECT, 'test/acceptance/windows.sh'), words, {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LC_ALL: 'C', TMPDIR: bench.temporary },
    }).catch((error: { stdout?: string; stderr?: string }) => expect.fail(`${error.stdout}\n${error.stderr}`));
    expect(stdout).toMatch(/== build\ngcc \(GNU\).*== hello\n.*== exit-codes\n.*3 runs: fastest \d+ ms/s);
    expect(readFileSync(join(evidence, 'steps.txt'), 'utf8').match(/exit code 0/g)).toHaveLength(8);
    expect(statSync(join(evidence, 'evidence.tar.gz')).size).toBeGreaterThan(0);
    expect(readFileSync(join(evidence, 'runs.txt'), 'utf8')).toMatch(/^(\d+\n){3}$/);
    await bench.expectNoTraces();
  });

  test('keeps the evidence of a failure', { timeout: LIMIT_MS }, async () => {
    const evidence = join(bench.path, 'evidence-of-failure');
    const words = ['--iso', bench.lock, '--work', join(bench.path, 'work'), '--evidence', evidence];
    await expect(promisify(execFile)(join(PROJECT, 'test/acceptance/windows.sh'), words)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`failed; send: ${evidence}`) as string,
    });
    expect(readFileSync(join(evidence, 'steps.txt'), 'utf8')).toMatch(/inspect: exit code 1/);
  });
});
