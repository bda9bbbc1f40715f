import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT } from '../support/transcript.ts';
import { compressWith, hasTool, tempDir } from './support.ts';

const INDEX = join(PROJECT, 'fixtures/demo/setup.ini');
const FOUND = { status: 0, stdout: 'libssl3  3.0.13-1  TLS library\n', stderr: '' };

function search(index: string, PATH = '/nowhere'): ReturnType<typeof spawnSync> {
  return spawnSync(
    process.execPath,
    [join(PROJECT, 'bin/cygstrap.js'), 'search', 'tls', '--no-cache', '--index', index],
    { env: { PATH }, encoding: 'utf8' },
  );
}

/** Compresses the example index, after a comment of the given size that xz cannot make smaller. */
function packed(commentBytes: number, args: readonly string[] = ['-0']): string {
  const noise = Buffer.from(Array.from({ length: commentBytes }, (_, i) => 33 + (((i * i * 7919) >>> 3) % 90)));
  const path = join(tempDir(), 'setup.xz');
  const input = Buffer.concat([Buffer.from('#'), noise, Buffer.from('\n'), readFileSync(INDEX)]);
  writeFileSync(path, compressWith('xz', ['-c', ...args], input));
  return path;
}

describe.skipIf(!hasTool('xz') && !process.env['CI'])('on a system without `xz` (skipped without it here)', () => {
  test('the library decodes an index of any size', () => {
    for (const bytes of [0, 1000, 600_000]) expect(search(packed(bytes))).toMatchObject(FOUND);
  });

  test('a damaged index is refused as damaged', () => {
    const path = packed(600_000);
    writeFileSync(path, readFileSync(path).subarray(0, -30));
    expect(search(path)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining(`\`${path}\` (xz) is damaged: the data is truncated`),
    });
  });

  test.each([
    [['--check=sha256'], 'it has a SHA-256 check'],
    [['--x86', '--lzma2'], 'it uses a filter other than LZMA2'],
  ])('%j needs the program, whatever the size', (args, reason) => {
    for (const bytes of [0, 600_000]) {
      const path = packed(bytes, args);
      expect(search(path)).toMatchObject({
        status: 3,
        stdout: '',
        stderr: expect.stringContaining(
          `cannot decode \`${path}\` (xz): ${reason}, which needs the program \`xz\`\n` +
            'hint: install `xz`, or use `setup.zst` or `setup.ini`',
        ),
      });
      expect(search(path, process.env['PATH'])).toMatchObject(FOUND);
    }
  });

  test('an unsupported second stream continues with the program, after the text of the first', () => {
    const path = packed(0);
    const second = compressWith('xz', ['-c', '--check=sha256'], Buffer.from('\n# end\n'));
    writeFileSync(path, Buffer.concat([readFileSync(path), second]));
    expect(search(path, process.env['PATH'])).toMatchObject(FOUND);
    expect(search(path)).toMatchObject({ status: 3, stdout: '' });
  });

  test('a damaged index that only the program decodes is refused as damaged', () => {
    const path = packed(0, ['--check=sha256']);
    writeFileSync(path, readFileSync(path).subarray(0, -30));
    expect(search(path, process.env['PATH'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`\`${path}\` (xz) is damaged: \`xz\` refuses the data`),
    });
  });
});
