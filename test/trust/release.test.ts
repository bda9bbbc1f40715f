import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { collect } from '../input/support.ts';
import { openIndex } from '../../src/input/open-index.ts';
import { readKeyring } from '../../src/trust/keyring.ts';
import { verifyDetached } from '../../src/trust/verify.ts';

const RELEASE = fileURLToPath(new URL('../../fixtures/release', import.meta.url));
const index = readFileSync(join(RELEASE, 'x86_64/setup.ini'));
const files = readdirSync(RELEASE, { recursive: true, encoding: 'utf8' }).filter((path) =>
  statSync(join(RELEASE, path)).isFile(),
);

/** Of fixtures/release/make.mjs, which says how to make it anew. */
describe('the release in fixtures', () => {
  test.each(['zst', 'xz', 'bz2', 'ini'])('setup.%s is the index, signed as setup requires', async (form) => {
    const bytes = readFileSync(join(RELEASE, `x86_64/setup.${form}`));
    const keyring = await readKeyring([join(RELEASE, 'key.gpg')]);
    expect(keyring.keys).toMatchObject([{ algorithm: 'RSA-2048', expiresAt: undefined }]);
    const signature = readFileSync(join(RELEASE, `x86_64/setup.${form}.sig`));
    expect(await verifyDetached(bytes, signature, keyring)).toEqual({
      kind: 'verified',
      fingerprint: keyring.keys[0]?.fingerprint,
      warnings: [],
    });
    expect((await collect(openIndex(join(RELEASE, `x86_64/setup.${form}`)).chunks)).equals(index)).toBe(true);
  });

  test('has exactly the archives of its index', () => {
    const promised = [...index.toString().matchAll(/^(?:install|source): (\S+) (\d+) ([0-9a-f]{128})$/gm)];
    const archives = files.map((path) => path.replaceAll('\\', '/')).filter((path) => path.includes('/release/'));
    expect(new Set(promised.map(([, path]) => path))).toEqual(new Set(archives));
    for (const [, path = '', sizeBytes, sha512] of promised) {
      const bytes = readFileSync(join(RELEASE, path));
      expect([path, String(bytes.length), createHash('sha512').update(bytes).digest('hex')]).toEqual([
        path,
        sizeBytes,
        sha512,
      ]);
    }
  });

  test('is small', () => {
    expect(files.reduce((sum, path) => sum + statSync(join(RELEASE, path)).size, 0)).toBeLessThan(200_000);
  });
});
