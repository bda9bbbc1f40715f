import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { BYTES, bytesOf, fetchError, read, rejection, site, tempDir } from './support.ts';
import { asOrdinaryUser } from '../support/user.ts';

function mirror(): string {
  const dir = tempDir();
  mkdirSync(join(dir, 'x86_64'));
  writeFileSync(join(dir, 'x86_64', 'a+b c%.xz'), BYTES);
  return dir;
}

const PATH = 'x86_64/a+b c%.xz';

describe('a directory is a site', () => {
  test.each(['path', 'URL'] as const)('by its %s', async (form) => {
    const dir = mirror();
    const from = site(form === 'path' ? dir : pathToFileURL(dir).href);
    expect(from.name).toBe(dir);
    const download = await from.open(PATH);
    expect(download).toMatchObject({ kind: 'whole', startByte: 0, totalBytes: BYTES.length });
    expect(await bytesOf(download)).toEqual(BYTES);
  });

  test('the rest of a file, known by its validator; a changed one comes whole', async () => {
    const dir = mirror();
    const from = site(dir);
    const { validator } = await from.open(PATH);
    if (validator === undefined) expect.unreachable();
    const rest = await from.open(PATH, { fromByte: 100, validator });
    expect(rest).toMatchObject({ kind: 'rest', startByte: 100, totalBytes: BYTES.length });
    expect(await bytesOf(rest)).toEqual(BYTES.subarray(100));
    expect(await bytesOf(await from.open(PATH, { fromByte: BYTES.length, validator }))).toHaveLength(0);
    expect(await from.open(PATH, { fromByte: BYTES.length + 1, validator })).toMatchObject({ kind: 'whole' });
    expect(await from.open(PATH, { unlessIs: validator })).toMatchObject({ kind: 'unchanged' });
    writeFileSync(join(dir, PATH), 'new');
    expect(await from.open(PATH, { fromByte: 100, validator })).toMatchObject({ kind: 'whole', totalBytes: 3 });
    expect(await from.open(PATH, { unlessIs: validator })).toMatchObject({ kind: 'whole' });
  });

  test('a file that changes between opening and reading is an error', async () => {
    const dir = mirror();
    const download = await site(dir).open(PATH);
    writeFileSync(join(dir, PATH), 'new');
    expect((await fetchError(bytesOf(download))).kind).toBe('range');
  });

  test('a file that is truncated while it is read is an error', async () => {
    const dir = mirror();
    const large = join(dir, 'large');
    writeFileSync(large, Buffer.alloc(3_000_000));
    const { chunks } = await site(dir).open('large');
    const reading = async (): Promise<void> => {
      for await (const chunk of chunks) if (chunk.length > 0) truncateSync(large, 100);
    };
    expect(await fetchError(reading())).toMatchObject({ kind: 'short', isTransient: true });
  });

  test('stopping early leaves no file open', async () => {
    const { chunks } = await site(mirror()).open(PATH);
    const before = openFiles();
    for await (const chunk of chunks) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(openFiles()).toBe(before);
  });

  test('an abort comes through as it is', async () => {
    const control = new AbortController();
    const reason = { stop: 'please' };
    const from = site(mirror());
    const download = await from.open(PATH, { signal: control.signal });
    control.abort(reason);
    expect(await rejection(bytesOf(download))).toBe(reason);
    expect(await rejection(from.open(PATH, { signal: control.signal }))).toBe(reason);
  });
});

describe('a missing file or directory', () => {
  test('a missing file, a directory, a file in the place of a directory', async () => {
    const from = site(mirror());
    for (const path of ['x86_64/b', 'x86_64', `${PATH}/c`])
      expect(await fetchError(from.open(path))).toMatchObject({ kind: 'missing', isTransient: false });
  });

  test('a missing directory is the fault of the site', async () => {
    const from = site(join(tempDir(), 'nothing'));
    expect(await fetchError(from.open('a'))).toMatchObject({
      kind: 'connect',
      // Tried once.
      isTransient: false,
      why: expect.stringContaining('no such directory'),
    });
  });

  test.each(['../a', '/etc/passwd', 'x86_64/../../a', 'a\\..\\..\\b'])('%s is not looked for', async (path) => {
    expect((await fetchError(site(mirror()).open(path))).kind).toBe('refused');
  });

  test.skipIf(process.platform === 'win32')('a file without permission (skipped on Windows)', async () => {
    const dir = mirror();
    chmodSync(join(dir, PATH), 0);
    expect((await asOrdinaryUser(dir, () => fetchError(read(site(dir), PATH)))).kind).toBe('refused');
  });

  test.skipIf(process.platform === 'win32')(
    'a pipe is no file and blocks nothing (skipped on Windows, which has none)',
    async () => {
      const dir = mirror();
      execFileSync('mkfifo', [join(dir, 'pipe')]);
      expect((await fetchError(site(dir).open('pipe'))).kind).toBe('missing');
    },
  );
});

/** Where the system does not tell, none are counted. */
function openFiles(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
}
