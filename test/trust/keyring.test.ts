import { generateKey, revokeKey } from 'openpgp';
import { describe, expect, test } from 'vitest';
import { joinKeyrings, readKeyring, shippedKeyring } from '../../src/trust/keyring.ts';
import { craftKey, tempFiles } from './support.ts';

const RSA = craftKey('RSA');
const DSA = craftKey('DSA');

describe('keyrings', () => {
  test('one file with several keys, none with a self-signature', async () => {
    const dir = tempFiles({ both: Buffer.concat([RSA.file, DSA.file]) });
    const { keys } = await readKeyring([`${dir}/both`]);
    expect(keys).toMatchObject([
      {
        fingerprint: RSA.fingerprint,
        keyId: RSA.keyId,
        algorithm: 'RSA-2048',
        bits: 2048,
        userIds: ['Crafted <crafted@example.org>'],
        expiresAt: undefined,
        isRevoked: false,
      },
      { fingerprint: DSA.fingerprint, keyId: DSA.keyId, algorithm: 'DSA-1024', file: `${dir}/both` },
    ]);
  });

  test('a directory: files in the order of their names, without duplicate keys', async () => {
    const dir = tempFiles({ 'b.gpg': DSA.file, 'a.pub': RSA.file, 'c.asc': RSA.file, README: 'no key' });
    const { keys } = await readKeyring([dir, `${dir}/b.gpg`]);
    expect(keys.map(({ fingerprint }) => fingerprint)).toEqual([RSA.fingerprint, DSA.fingerprint]);
  });

  test('armored, expired, revoked', async () => {
    const { publicKey, privateKey } = await generateKey({
      type: 'curve25519',
      userIDs: [{ name: 'Old' }],
      date: new Date('2020-01-01'),
      keyExpirationTime: 86_400,
      format: 'object',
    });
    const { publicKey: revoked } = await revokeKey({
      key: privateKey,
      date: new Date('2020-01-01T12:00:00Z'),
      format: 'object',
    });
    const dir = tempFiles({ 'old.asc': `\n${publicKey.armor()}`, 'revoked.gpg': revoked.write() });
    const fingerprint = publicKey.getFingerprint().toUpperCase();
    expect((await readKeyring([`${dir}/old.asc`])).keys).toMatchObject([
      { fingerprint, algorithm: 'ed25519', expiresAt: new Date('2020-01-02'), isRevoked: false },
    ]);
    expect((await readKeyring([`${dir}/revoked.gpg`])).keys).toMatchObject([{ fingerprint, isRevoked: true }]);
  });

  test('all armored keys of a file, after other text and a byte order mark', async () => {
    const armored = async (name: string): Promise<string> =>
      (await generateKey({ type: 'curve25519', userIDs: [{ name }], format: 'object' })).publicKey.armor();
    const [first, second] = [await armored('first'), await armored('second')];
    const names = async (text: string): Promise<readonly string[]> =>
      (await readKeyring([`${tempFiles({ key: Buffer.from(text) })}/key`])).keys.flatMap(({ userIds }) => userIds);
    expect(await names(first + second)).toEqual(['first', 'second']);
    expect(await names(`\ufeff${first}\nsome text\n${second}`)).toEqual(['first', 'second']);
    expect(await names(`two keys\n${first}${second}`)).toEqual(['first', 'second']);
    await expect(names(first + second.slice(0, -60))).rejects.toThrow('contains no OpenPGP public key');
    await expect(names(first.slice(first.indexOf('\n')) + second)).rejects.toThrow('contains no OpenPGP public key');
  });

  test('joined: no duplicate keys', async () => {
    const ring = await readKeyring([`${tempFiles({ key: DSA.file })}/key`]);
    const shipped = await shippedKeyring();
    expect(joinKeyrings(shipped, ring, shipped).keys).toEqual([...shipped.keys, ...ring.keys]);
  });

  test('the built-in keyring has two keys', async () => {
    expect((await shippedKeyring()).keys.map(({ algorithm }) => algorithm)).toEqual(['RSA-4096', 'DSA-1024']);
  });
});

describe('errors', () => {
  test.each([
    ['a web page', '<html></html>', 'download the key file itself'],
    ['an empty file', '', 'gpg --export'],
    ['a key box', Buffer.from('\0\0\0\x20\x01\x01\0\x02KBXf\0\0\0\0', 'latin1'), 'GnuPG keybox'],
    ['a key that is cut short', RSA.file.subarray(0, 100), 'gpg --export'],
  ])('%s', async (_name, content, hint) => {
    const dir = tempFiles({ key: content });
    await expect(readKeyring([`${dir}/key`])).rejects.toMatchObject({
      code: 'signature',
      message: `the keyring \`${dir}/key\` contains no OpenPGP public key`,
      hint: expect.stringContaining(hint),
    });
  });

  test('a private key', async () => {
    const { privateKey } = await generateKey({ type: 'curve25519', userIDs: [{ name: 'Secret' }], format: 'binary' });
    const dir = tempFiles({ 'mine.gpg': privateKey });
    await expect(readKeyring([dir])).rejects.toMatchObject({
      code: 'signature',
      message: `the keyring \`${dir}/mine.gpg\` contains a private key`,
    });
  });

  test('a missing file and an empty directory', async () => {
    const dir = tempFiles({ README: 'no key' });
    await expect(readKeyring([dir])).rejects.toMatchObject({
      code: 'signature',
      message: `the keyring directory \`${dir}\` contains no key`,
    });
    await expect(readKeyring([`${dir}/none`])).rejects.toMatchObject({
      code: 'not-found',
      message: `no such keyring: \`${dir}/none\``,
    });
  });
});
