import { createHash, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A key made by Node.js and written as OpenPGP by hand: what openpgp does not make, such as DSA and signatures of
 *  version 3. */
export interface CraftedKey {
  readonly kind: 'RSA' | 'DSA';
  readonly keyId: string;
  readonly fingerprint: string;
  /** The public key with a user id and no self-signature. */
  readonly file: Uint8Array;
  readonly secret: KeyObject;
}

const CREATED = 1_200_000_000;

export function craftKey(kind: 'RSA' | 'DSA'): CraftedKey {
  const pair =
    kind === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });
  const numbers = kind === 'RSA' ? rsaNumbers(pair.publicKey) : dsaNumbers(pair.publicKey);
  const body = Buffer.concat([Buffer.of(4), uint32(CREATED), Buffer.of(kind === 'RSA' ? 1 : 17), ...numbers.map(mpi)]);
  const fingerprint = createHash('sha1')
    .update(Buffer.of(0x99))
    .update(uint16(body.length))
    .update(body)
    .digest('hex')
    .toUpperCase();
  const file = Buffer.concat([packet(6, body), packet(13, Buffer.from('Crafted <crafted@example.org>'))]);
  return { kind, fingerprint, keyId: fingerprint.slice(-16), file, secret: pair.privateKey };
}

export interface CraftOptions {
  readonly version?: 3 | 4 | 5;
  readonly type?: number;
  /** OpenPGP's number of the hash and Node's name; by default SHA-256. */
  readonly hash?: readonly [number, string];
  /** By default the key's own. */
  readonly issuer?: string | undefined;
  /** Seconds. */
  readonly lifetime?: number;
}

/** Makes a signature packet over bytes. */
export function craftSignature(bytes: Uint8Array, key: CraftedKey, options: CraftOptions = {}): Buffer {
  const { version = 4, type = 0, hash: [hash, hashName] = [8, 'sha256'], lifetime } = options;
  const issuer = 'issuer' in options ? options.issuer : key.keyId;
  const algorithm = key.kind === 'RSA' ? 1 : 17;
  const issuerId = Buffer.from(issuer ?? '0000000000000000', 'hex');
  const hashed = Buffer.concat([
    Buffer.of(5, 2),
    uint32(CREATED),
    ...(lifetime === undefined ? [] : [Buffer.of(5, 3), uint32(lifetime)]),
  ]);
  const unhashed = issuer === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.of(9, 16), issuerId]);
  const head =
    version === 3
      ? Buffer.concat([Buffer.of(type), uint32(CREATED)])
      : Buffer.concat([Buffer.of(version, type, algorithm, hash), uint16(hashed.length), hashed]);
  const trailer = version === 3 ? head : Buffer.concat([head, Buffer.of(4, 0xff), uint32(head.length)]);
  const start = createHash(hashName).update(bytes).update(trailer).digest().subarray(0, 2);
  const made = createSign(hashName).update(bytes).update(trailer).sign({ key: key.secret, dsaEncoding: 'ieee-p1363' });
  const numbers = key.kind === 'RSA' ? [made] : [made.subarray(0, made.length / 2), made.subarray(made.length / 2)];
  const front =
    version === 3
      ? Buffer.concat([Buffer.of(3, 5), head, issuerId, Buffer.of(algorithm, hash)])
      : Buffer.concat([head, uint16(unhashed.length), unhashed]);
  return packet(2, Buffer.concat([front, start, ...numbers.map(mpi)]));
}

/** Frames a packet the old way, with two bytes of length, or the new way. */
export function packet(tag: number, body: Uint8Array, isNewForm = false): Buffer {
  const head = isNewForm
    ? Buffer.concat([Buffer.of(0xc0 | tag, 0xff), uint32(body.length)])
    : Buffer.concat([Buffer.of(0x81 | (tag << 2)), uint16(body.length)]);
  return Buffer.concat([head, body]);
}

/** The body of a packet that `packet` framed the old way. */
export function bodyOf(framed: Uint8Array): Uint8Array {
  return framed.subarray(3);
}

function mpi(number: Uint8Array): Buffer {
  const first = number.findIndex((byte) => byte !== 0);
  const digits = number.subarray(first);
  return Buffer.concat([uint16(digits.length * 8 - Math.clz32(digits[0] ?? 0) + 24), digits]);
}

function rsaNumbers(key: KeyObject): Buffer[] {
  const { n = '', e = '' } = key.export({ format: 'jwk' });
  return [n, e].map((number) => Buffer.from(number, 'base64url'));
}

/** Takes p, q, g, y out of the DER of a DSA key: the INTEGERs in it, in their order. */
function dsaNumbers(key: KeyObject): Buffer[] {
  const numbers: Buffer[] = [];
  const walk = (der: Buffer): void => {
    for (let at = 0; at < der.length;) {
      const tag = der[at];
      const short = der[at + 1] ?? 0;
      const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
      const start = at + 2 + lengthBytes;
      const length = lengthBytes === 0 ? short : der.readUIntBE(at + 2, lengthBytes);
      const body = der.subarray(start, start + length);
      if (tag === 0x30) walk(body);
      else if (tag === 0x03) walk(body.subarray(1));
      else if (tag === 0x02) numbers.push(body);
      at = start + length;
    }
  };
  walk(key.export({ type: 'spki', format: 'der' }));
  return numbers;
}

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Writes files into a directory that is gone after the test; returns the directory. */
export function tempFiles(files: Readonly<Record<string, string | Uint8Array>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'cygstrap-trust-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  return dir;
}
