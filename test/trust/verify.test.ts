import fc from 'fast-check';
import { createMessage, enums, generateKey, sign } from 'openpgp';
import { describe, expect, test } from 'vitest';
import { readKeyring, type Keyring } from '../../src/trust/keyring.ts';
import { verifyDetached, type Refused, type Verified } from '../../src/trust/verify.ts';
import { SEED } from '../support/seed.ts';
import { bodyOf, craftKey, craftSignature, packet, tempFiles } from './support.ts';

const RSA = craftKey('RSA');
const DSA = craftKey('DSA');
const STRANGER = craftKey('DSA');
const BYTES = Buffer.from('release: test\n');
const SHA1 = [2, 'sha1'] as const;

function ringOf(...files: readonly Uint8Array[]): Promise<Keyring> {
  return readKeyring([tempFiles(Object.fromEntries(files.map((file, i) => [`${i}.gpg`, file])))]);
}

function verdict(answer: Verified | Refused): string {
  return answer.kind === 'verified' ? answer.fingerprint : answer.reason;
}

async function verdictOf(signature: Uint8Array, bytes: Uint8Array = BYTES): Promise<string> {
  return verdict(await verifyDetached(bytes, signature, await ringOf(RSA.file, DSA.file)));
}

describe('signatures that setup accepts', () => {
  for (const key of [RSA, DSA]) {
    for (const version of [3, 4] as const) {
      test.each([
        ['sha1', 2],
        ['sha224', 11],
        ['sha256', 8],
        ['sha384', 9],
        ['sha512', 10],
      ] as const)(`${key.kind}, version ${version}, %s`, async (name, hash) => {
        const signature = craftSignature(BYTES, key, { version, hash: [hash, name] });
        const answer = await verifyDetached(BYTES, signature, await ringOf(key.file));
        expect(verdict(answer)).toBe(key.fingerprint);
        const warnings = answer.kind === 'verified' ? answer.warnings : [];
        expect(warnings.some((warning) => warning.includes('SHA-1'))).toBe(hash === 2);
        expect(warnings.some((warning) => warning.includes('(DSA-1024) is weak'))).toBe(key === DSA);
        expect(await verdictOf(signature, Buffer.from('another'))).toBe('file-differs');
      });
    }
  }

  test('one valid packet is enough', async () => {
    const good = craftSignature(BYTES, RSA);
    const others = [craftSignature(BYTES, STRANGER), craftSignature(Buffer.from('another'), DSA)];
    expect(await verdictOf(Buffer.concat([...others, good]))).toBe(RSA.fingerprint);
    expect(await verdictOf(Buffer.concat([good, ...others]))).toBe(RSA.fingerprint);
    expect(await verdictOf(Buffer.concat(others))).toBe('file-differs');
  });

  test('of several valid packets, the one with the fewest warnings is returned', async () => {
    const signature = Buffer.concat([
      craftSignature(BYTES, DSA),
      craftSignature(BYTES, RSA),
      craftSignature(BYTES, RSA, { hash: SHA1 }),
    ]);
    expect(await verifyDetached(BYTES, signature, await ringOf(RSA.file, DSA.file))).toEqual({
      kind: 'verified',
      fingerprint: RSA.fingerprint,
      warnings: [],
    });
  });

  test('a valid packet is accepted, with a warning for a truncated one after it', async () => {
    const two = Buffer.concat([craftSignature(BYTES, RSA), craftSignature(BYTES, STRANGER)]);
    const answer = await verifyDetached(BYTES, two.subarray(0, -5), await ringOf(RSA.file));
    expect(answer).toMatchObject({ kind: 'verified', warnings: [expect.stringContaining('cut short')] });
  });

  test('the new form of framing', async () => {
    expect(await verdictOf(packet(2, bodyOf(craftSignature(BYTES, RSA)), true))).toBe(RSA.fingerprint);
  });

  test('without an issuer, every key is tried', async () => {
    expect(await verdictOf(craftSignature(BYTES, RSA, { issuer: undefined }))).toBe(RSA.fingerprint);
    expect(await verdictOf(craftSignature(BYTES, DSA, { version: 3, issuer: undefined }))).toBe(DSA.fingerprint);
    expect(await verdictOf(craftSignature(BYTES, STRANGER, { issuer: undefined }))).toBe('bad-signature');
  });

  test('an expired signature is valid, as in setup, with a warning', async () => {
    const answer = await verifyDetached(BYTES, craftSignature(BYTES, RSA, { lifetime: 3600 }), await ringOf(RSA.file));
    expect(answer).toMatchObject({
      kind: 'verified',
      warnings: [`the signature of key ${RSA.keyId} expired on 2008-01-10; setup accepts it`],
    });
  });
});

describe('rejected signatures', () => {
  test('each type that setup rejects', async () => {
    expect(await verdictOf(craftSignature(BYTES, STRANGER))).toBe('no-trusted-key');
    expect(await verdictOf(craftSignature(BYTES, STRANGER, { issuer: DSA.keyId }))).toBe('bad-signature');
    expect(await verdictOf(craftSignature(BYTES, RSA, { issuer: DSA.keyId }))).toBe('no-trusted-key');
    expect(await verdictOf(craftSignature(BYTES, RSA, { type: 1 }))).toBe('unsupported');
    expect(await verdictOf(craftSignature(BYTES, RSA, { version: 5 }))).toBe('unsupported');
    expect(await verdictOf(craftSignature(BYTES, RSA, { hash: [1, 'md5'] }))).toBe('unsupported');
    expect(await verdictOf(RSA.file)).toBe('malformed');
    expect(await verdictOf(Buffer.concat(Array.from({ length: 17 }, () => craftSignature(BYTES, STRANGER))))).toBe(
      'malformed',
    );
    expect(await verdictOf(craftSignature(BYTES, STRANGER, { hash: [1, 'sha256'] }))).toBe('no-trusted-key');
    expect(await verdictOf(Buffer.concat([craftSignature(BYTES, STRANGER), Buffer.of(0)]))).toBe('malformed');
  });

  test('the message names the signing keys', async () => {
    const answer = await verifyDetached(
      BYTES,
      Buffer.concat([craftSignature(BYTES, DSA), craftSignature(BYTES, STRANGER)]),
      await ringOf(RSA.file),
    );
    expect(answer).toEqual({
      kind: 'refused',
      reason: 'no-trusted-key',
      message: `it is signed by keys ${DSA.keyId} and ${STRANGER.keyId}, not in the keyring`,
      keyIds: [DSA.keyId, STRANGER.keyId],
    });
  });

  test.each([3, 4] as const)('version %i: truncated or changed at any byte', async (version) => {
    const ring = await ringOf(DSA.file);
    const signature = craftSignature(BYTES, DSA, { version, hash: SHA1 });
    for (let end = 0; end < signature.length; end++) {
      expect(verdict(await verifyDetached(BYTES, signature.subarray(0, end), ring))).toBe('truncated');
    }
    // Without effect on what is verified: the issuer, and how many bits of a number's first byte are said to count.
    const idAt = signature.indexOf(Buffer.from(DSA.keyId, 'hex'));
    const accepted: number[] = [];
    for (let at = 0; at < signature.length; at++) {
      for (const bit of [0x01, 0x80]) {
        const changed = Buffer.from(signature);
        changed[at] = (changed[at] ?? 0) ^ bit;
        if ((await verifyDetached(BYTES, changed, ring)).kind === 'verified') accepted.push(at);
      }
    }
    const others = accepted.filter((at) => at < idAt - 2 || at >= idAt + 8);
    expect(others.length).toBeLessThanOrEqual(2);
    for (const at of others) expect(Math.ceil(signature.readUInt16BE(at - 1) / 8)).toBeOneOf([19, 20]);
  });

  test('arbitrary bytes never throw', async () => {
    const ring = await ringOf(RSA.file, DSA.file);
    const good = craftSignature(BYTES, DSA);
    const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const changed = changes.map((each) => {
      const bytes = Buffer.from(good);
      for (const [at, byte] of each) bytes[at] = byte;
      return bytes;
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), changed), async (signature) => {
        expect(['verified', 'refused']).toContain((await verifyDetached(BYTES, signature, ring)).kind);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe('keys of users', () => {
  test('elliptic curves and armored signatures, which setup does not support', async () => {
    const message = await createMessage({ binary: BYTES });
    const keys = [
      await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'Old curve' }], format: 'object' }),
      await generateKey({ type: 'curve25519', userIDs: [{ name: 'New curve' }], format: 'object' }),
    ];
    for (const { privateKey, publicKey } of keys) {
      const ring = await ringOf(publicKey.write());
      const armored = await sign({ message, signingKeys: privateKey, detached: true, format: 'armored' });
      const fingerprint = publicKey.getFingerprint().toUpperCase();
      expect(verdict(await verifyDetached(BYTES, Buffer.from(armored), ring))).toBe(fingerprint);
      expect(verdict(await verifyDetached(Buffer.from('another'), Buffer.from(armored), ring))).toBe('file-differs');
      expect(verdict(await verifyDetached(BYTES, Buffer.from(armored.slice(0, 100)), ring))).toBe('malformed');
      const binary = await sign({ message, signingKeys: privateKey, detached: true, format: 'binary' });
      const damaged = Buffer.from(binary);
      damaged[damaged.length - 3] = (damaged.at(-3) ?? 0) ^ 1;
      expect(verdict(await verifyDetached(BYTES, damaged, ring))).toBe('bad-signature');
    }
  });

  test('a subkey is rejected, as in setup', async () => {
    const { privateKey, publicKey } = await generateKey({
      type: 'curve25519',
      subkeys: [{ sign: true }],
      userIDs: [{ name: 'Has a subkey' }],
      format: 'object',
    });
    const signature = await sign({
      message: await createMessage({ binary: BYTES }),
      signingKeys: privateKey,
      detached: true,
      format: 'binary',
      config: { preferredHashAlgorithm: enums.hash.sha256 },
    });
    const answer = await verifyDetached(BYTES, signature, await ringOf(publicKey.write()));
    expect(answer).toMatchObject({
      reason: 'subkey',
      message: expect.stringContaining('setup accepts the primary key only'),
    });
  });
});
