import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readKeyring, shippedKeyring } from '../../src/trust/keyring.ts';
import { verifyDetached } from '../../src/trust/verify.ts';

const DATA = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const SKIPPED = existsSync(DATA) ? '' : ' (skipped: no real data beside the checkout)';
const FORMS = ['ini', 'bz2', 'xz', 'zst'];

describe.skipIf(SKIPPED !== '')(`real keys and signatures${SKIPPED}`, () => {
  const read = (name: string): Uint8Array => readFileSync(`${DATA}signed/${name}`);
  // When a test asks: the body of a skipped group runs too.
  const signersKeys = () => readKeyring([`${DATA}signed/pubring.gpg`]);

  test("the built-in keys are Cygwin's published keys", async () => {
    const { keys } = await readKeyring([`${DATA}keys`]);
    expect(keys.map(({ fingerprint, algorithm }) => `${algorithm} ${fingerprint}`)).toEqual([
      'DSA-1024 1169DF9F22734F743AA59232A9A262FF676041BA',
      'RSA-4096 56405CF6FCC81574682A5D561A698DE9E2E56300',
    ]);
    const shipped = await shippedKeyring();
    expect(shipped.keys.map(({ fingerprint }) => fingerprint).sort()).toEqual(
      keys.map(({ fingerprint }) => fingerprint),
    );
    expect(shipped.keys[0]).toMatchObject({
      keyId: '1A698DE9E2E56300',
      userIds: ['Cygwin <cygwin@cygwin.com>'],
      expiresAt: undefined,
    });
  });

  test.each(FORMS)('setup.%s verifies, with a warning for its expired key', async (form) => {
    const answer = await verifyDetached(read(`setup.${form}`), read(`setup.${form}.sig`), await signersKeys(), {
      now: new Date('2026-01-01'),
    });
    expect(answer).toMatchObject({
      kind: 'verified',
      fingerprint: 'A6BABFCBB252CFCBDCA96A991F889D841884DD7D',
      warnings: [expect.stringMatching(/^key 1F889D841884DD7D expired on 2025-05-\d\d; setup accepts it$/)],
    });
  });

  test('no warning before the key expired', async () => {
    expect(
      await verifyDetached(read('setup.xz'), read('setup.xz.sig'), await signersKeys(), {
        now: new Date('2025-01-01'),
      }),
    ).toMatchObject({ warnings: [] });
  });

  test.each(FORMS)('setup.%s: each kind of damage has its own message', async (form) => {
    const bytes = read(`setup.${form}`);
    const signature = read(`setup.${form}.sig`);
    const trusted = await signersKeys();
    const changed = Buffer.from(bytes);
    changed[1000] = (changed[1000] ?? 0) ^ 1;
    const damaged = Buffer.from(signature);
    damaged[300] = (damaged[300] ?? 0) ^ 1;
    const answers = [
      await verifyDetached(changed, signature, trusted),
      await verifyDetached(bytes, damaged, trusted),
      await verifyDetached(bytes, signature.subarray(0, 200), trusted),
      await verifyDetached(bytes, signature, await shippedKeyring()),
      await verifyDetached(bytes, Buffer.from('<html>no such file</html>'), trusted),
      await verifyDetached(bytes, new Uint8Array(0), trusted),
      await verifyDetached(bytes, signature, { keys: [] }),
    ];
    expect(answers.map((answer) => (answer.kind === 'refused' ? answer.reason : answer.kind))).toEqual([
      'file-differs',
      'bad-signature',
      'truncated',
      'no-trusted-key',
      'malformed',
      'truncated',
      'no-trusted-key',
    ]);
    const messages = answers.map((answer) => (answer.kind === 'refused' ? answer.message : ''));
    expect(new Set(messages.slice(0, 6)).size).toBe(6);
    if (form === 'ini') {
      expect(messages).toEqual([
        'it differs from the file that key 1F889D841884DD7D signed: the mirror is being updated, or ' +
          'one of them was changed',
        'its signature is damaged: it does not match key 1F889D841884DD7D',
        'its signature is not usable: it is cut short: a packet of 563 bytes has only 197',
        'it is signed by key 1F889D841884DD7D, not in the keyring',
        'its signature is not usable: it is a web page, perhaps the login page of a network',
        'its signature is not usable: the signature file is empty',
        'it is signed by key 1F889D841884DD7D, not in the keyring',
      ]);
    }
  });

  test('a signature is not valid for another form of the same index', async () => {
    expect(await verifyDetached(read('setup.xz'), read('setup.zst.sig'), await signersKeys())).toMatchObject({
      reason: 'file-differs',
    });
  });
});
