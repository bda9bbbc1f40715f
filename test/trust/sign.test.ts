import { spawnSync } from 'node:child_process';
import { enums, generateKey, PacketList, readSignature } from 'openpgp';
import { describe, expect, test } from 'vitest';
import { readKeyring } from '../../src/trust/keyring.ts';
import { signDetached } from '../../src/trust/sign.ts';
import { verifyDetached } from '../../src/trust/verify.ts';
import { tempFiles } from './support.ts';

const BYTES = Buffer.from('release: test\n');
const HAS_GPGV = spawnSync('gpgv', ['--version'], { stdio: 'ignore' }).status === 0;

/** With a signing subkey, which must not be the one that signs. */
const rsa = generateKey({
  type: 'rsa',
  rsaBits: 2048,
  subkeys: [{ sign: true }],
  userIDs: [{ name: 'Mine' }],
  format: 'object',
});
const curve = generateKey({
  type: 'curve25519',
  passphrase: 'open sesame',
  userIDs: [{ name: 'Locked' }],
  format: 'object',
});

describe("signing with a user's own key", () => {
  test('RSA: by the primary key, as setup requires', async () => {
    const { privateKey, publicKey } = await rsa;
    const dir = tempFiles({ 'secret.asc': privateKey.armor(), 'key.gpg': publicKey.write(), file: BYTES });
    const { signature, fingerprint, warnings } = await signDetached(BYTES, `${dir}/secret.asc`);
    expect({ fingerprint, warnings }).toEqual({ fingerprint: publicKey.getFingerprint().toUpperCase(), warnings: [] });
    const { packets } = await readSignature({ binarySignature: signature });
    expect([...packets]).toMatchObject([
      {
        version: 4,
        signatureType: enums.signature.binary,
        publicKeyAlgorithm: enums.publicKey.rsaEncryptSign,
        hashAlgorithm: enums.hash.sha256,
        rawNotations: [],
      },
    ]);
    expect(await verifyDetached(BYTES, signature, await readKeyring([`${dir}/key.gpg`]))).toEqual({
      kind: 'verified',
      fingerprint,
      warnings: [],
    });
    if (HAS_GPGV) {
      const { status, stderr } = spawnSync('gpgv', ['--keyring', `${dir}/key.gpg`, '-', `${dir}/file`], {
        input: signature,
        encoding: 'utf8',
      });
      expect(stderr).toContain(`using RSA key ${fingerprint}`);
      expect(status).toBe(0);
    }
  });

  test('a locked key; a curve that setup does not support', async () => {
    const { privateKey, publicKey } = await curve;
    const dir = tempFiles({ secret: privateKey.write(), key: publicKey.write() });
    const { signature, warnings } = await signDetached(BYTES, `${dir}/secret`, 'open sesame');
    expect(warnings).toEqual([
      `setup cannot verify signatures of the ed25519 key in \`${dir}/secret\`; it supports RSA and DSA`,
    ]);
    expect(await verifyDetached(BYTES, signature, await readKeyring([`${dir}/key`]))).toMatchObject({
      kind: 'verified',
    });
    await expect(signDetached(BYTES, `${dir}/secret`)).rejects.toMatchObject({
      code: 'signature',
      message: `missing passphrase for the private key in \`${dir}/secret\``,
      hint: 'set CYGSTRAP_PASSPHRASE, or in the library `passphrase`',
    });
    await expect(signDetached(BYTES, `${dir}/secret`, 'wrong')).rejects.toMatchObject({
      code: 'signature',
      message: `wrong passphrase for the private key in \`${dir}/secret\``,
    });
  });

  test('a primary key that cannot sign', async () => {
    const { privateKey } = await rsa;
    const bare = new PacketList<typeof privateKey.keyPacket>();
    bare.push(privateKey.keyPacket);
    const dir = tempFiles({ bare: bare.write() });
    await expect(signDetached(BYTES, `${dir}/bare`)).rejects.toMatchObject({
      code: 'signature',
      message: `the primary key in \`${dir}/bare\` cannot sign`,
      hint: expect.stringContaining('only primary RSA or DSA keys'),
    });
  });

  test('a file without a private key is an error', async () => {
    const { publicKey, privateKey } = await rsa;
    const dir = tempFiles({
      public: publicKey.write(),
      two: Buffer.concat([privateKey.write(), privateKey.write()]),
      text: 'no key',
    });
    const noKey = { code: 'signature', message: expect.stringContaining('contains no OpenPGP private key') };
    await expect(signDetached(BYTES, `${dir}/public`)).rejects.toMatchObject(noKey);
    await expect(signDetached(BYTES, `${dir}/text`)).rejects.toMatchObject(noKey);
    await expect(signDetached(BYTES, `${dir}/two`)).rejects.toMatchObject({
      code: 'signature',
      message: expect.stringContaining('must contain exactly one private key'),
    });
    await expect(signDetached(BYTES, `${dir}/none`)).rejects.toMatchObject({ code: 'not-found' });
  });
});
