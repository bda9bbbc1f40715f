import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resourceError } from '../../src/cli/terminal/resource.ts';
import { CygstrapError } from '../../src/errors.ts';
import { PROJECT } from '../support/transcript.ts';

const withCode = (code: string): Error => Object.assign(new Error(code), { code });

describe('an error because of an exhausted resource is recognized:', () => {
  test.each([
    ['not enough memory', new RangeError('Array buffer allocation failed')],
    ['not enough memory', new RangeError('WebAssembly.Memory(): could not allocate memory')],
    ['not enough memory', new RangeError('WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory')],
    ['not enough memory', withCode('ERR_WORKER_OUT_OF_MEMORY')],
    ['not enough memory', withCode('ENOMEM')],
    ['too many open files', withCode('EMFILE')],
    ['too many open files', withCode('ENFILE')],
    ['too many processes or threads', withCode('EAGAIN')],
    [
      'too many open files',
      new CygstrapError('corrupt', 'x', { cause: new Error('y', { cause: withCode('EMFILE') }) }),
    ],
  ])('%s: %s', (message, error) => {
    expect(resourceError(error)).toMatchObject({ code: 'resource', message, cause: error });
    expect(resourceError(error)?.hint).toMatch(/^raise the limit with `ulimit -[vnu]/);
  });

  test.each([
    new RangeError('Invalid array length'),
    withCode('ENOENT'),
    new Error('out of memory'),
    'text',
    undefined,
  ])('not for %s', (error) => expect(resourceError(error)).toBeUndefined());
});

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-resource-'));
  cpSync(join(PROJECT, 'fixtures/release'), join(dir, 'site'), { recursive: true });
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

/** @param uid user of the command; limits of processes do not hold for root */
async function limited(limit: string, command: string, uid?: number): Promise<Ended> {
  const script = `ulimit ${limit} && exec "$0" "$1" ${command}`;
  const child = spawn('bash', ['-c', script, process.execPath, join(PROJECT, 'bin/cygstrap.js')], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: dir },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { stderr: await text(child.stderr), code: await ended };
}

const COMMANDS = [
  'resolve openssh --index site/x86_64/setup.zst --no-cache --no-base',
  'fetch openssh --site site --keyring site/key.gpg --repo repo --no-cache --quiet',
];

/** The command succeeds, reports a resource, or Node.js itself stops before or below it. */
function check({ code, stderr }: Ended, message: string): void {
  expect(stderr).not.toContain('a bug in cygstrap');
  if (code === 0) return;
  if (code === 3) expect(stderr).toMatch(new RegExp(`^error: ${message}\n(.*\n)*hint: raise the limit`, 'm'));
  else expect(stderr).toMatch(/Node\.js v|FATAL|Fatal|bad_alloc|terminate called|Assertion|^$/);
}

describe.skipIf(process.platform !== 'linux')('with a limit', () => {
  test.each([900_000, 1_200_000, 1_500_000, 2_000_000, 4_000_000, 12_000_000])(
    'of %d KiB of address space a command reports it',
    async (kibibytes) => {
      for (const command of COMMANDS) check(await limited(`-v ${kibibytes}`, command), 'not enough memory');
    },
  );

  test.each([20, 24, 26, 28, 32, 36])('of %d open files a command reports it', async (files) => {
    for (const command of COMMANDS) check(await limited(`-n ${files}`, command), '.*too many open files');
  });

  test.each([8, 11, 12, 14])('of %d processes a command reports it', async (processes) => {
    chmodSync(dir, 0o777);
    const uid = process.geteuid?.() === 0 ? 65534 : undefined;
    for (const command of [...COMMANDS, 'doctor']) {
      const { stderr } = await limited(`-u ${processes}`, command, uid);
      expect(stderr).not.toContain('a bug in cygstrap');
      if (stderr.includes('EAGAIN')) expect(stderr).toContain('hint: raise the limit with `ulimit -u`');
    }
  });
});
