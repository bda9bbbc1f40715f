import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT } from '../support/transcript.ts';
import { hasTool, tempDir } from './support.ts';

const INDEX = join(PROJECT, 'fixtures/demo/setup.ini');

/** Runs `search` on an index in a system for which lzma-native has no build: `npm_config_arch` is the architecture that
 *  node-gyp-build looks for. */
function search(index: string, PATH = process.env['PATH']): ReturnType<typeof spawnSync> {
  return spawnSync(
    process.execPath,
    [join(PROJECT, 'bin/cygstrap.js'), 'search', 'tls', '--no-cache', '--index', index],
    { env: { PATH, npm_config_arch: 'none' }, encoding: 'utf8' },
  );
}

/** Compresses the example index, after a comment of the given size that xz cannot make smaller. */
function packed(commentBytes: number): string {
  const noise = Buffer.from(Array.from({ length: commentBytes }, (_, i) => 33 + (((i * i * 7919) >>> 3) % 90)));
  const path = join(tempDir(), 'setup.xz');
  const input = Buffer.concat([Buffer.from('#'), noise, Buffer.from('\n'), readFileSync(INDEX)]);
  writeFileSync(path, execFileSync('xz', ['-0'], { input }));
  return path;
}

describe.skipIf(!hasTool('xz') && !process.env['CI'])('without a build of lzma-native (skipped without `xz`)', () => {
  test('the program decodes an index of any size', () => {
    const expected = { status: 0, stdout: 'libssl3  3.0.13-1  TLS library\n', stderr: '' };
    for (const bytes of [0, 1000, 600_000]) expect(search(packed(bytes))).toMatchObject(expected);
  });

  test('a damaged index is refused as damaged', () => {
    const path = packed(0);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 30));
    expect(search(path)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining(`\`${path}\` (xz) is damaged: \`xz\` refuses the data`),
    });
  });

  test('without the program too, the error names what helps', () => {
    expect(search(packed(0), '/nowhere')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('hint: install `xz`, or use `setup.zst` or `setup.ini`'),
    });
  });
});
