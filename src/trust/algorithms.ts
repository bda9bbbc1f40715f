import { createPublicKey, createVerify, type KeyObject } from 'node:crypto';
import { createMessage, enums, readSignature } from 'openpgp';
import type { TrustedKey } from './keyring.ts';
import { readNumbers, type SignaturePacket } from './signature-packet.ts';

/** A signature and the bytes it is for. */
export interface SignedBytes {
  readonly bytes: Uint8Array;
  readonly packet: SignaturePacket;
  /** Node's name of the signature's hash. */
  readonly hash: string;
  readonly key: TrustedKey;
}

/** Returns whether the key made this signature over these bytes. Node.js verifies RSA and DSA, since openpgp supports
 *  no signatures of version 3 and rejects keys without self-signature. openpgp verifies the algorithms that setup does
 *  not support. Malformed numbers give false, never an error. */
export async function verifyNumbers(signed: SignedBytes): Promise<boolean> {
  const params = signed.key.packet.publicParams as Readonly<Record<string, Uint8Array>>;
  const algorithm: enums.publicKey = signed.packet.algorithm;
  try {
    if (algorithm === enums.publicKey.rsaEncryptSign || algorithm === enums.publicKey.rsaSign)
      return verifyRsa(signed, params);
    if (algorithm === enums.publicKey.dsa) return verifyDsa(signed, params);
    return await verifyByOpenpgp(signed);
  } catch {
    return false;
  }
}

function verifyRsa({ bytes, packet, hash }: SignedBytes, { n, e }: Readonly<Record<string, Uint8Array>>): boolean {
  const [number] = readNumbers(packet.material, 1) ?? [];
  if (number === undefined || n === undefined || e === undefined || number.length > n.length) return false;
  const key = createPublicKey({ key: { kty: 'RSA', n: base64url(n), e: base64url(e) }, format: 'jwk' });
  return createVerify(hash).update(bytes).update(packet.trailer).verify(key, padded(number, n.length));
}

function verifyDsa({ bytes, packet, hash }: SignedBytes, params: Readonly<Record<string, Uint8Array>>): boolean {
  const { p, q, g, y } = params;
  const [r, s] = readNumbers(packet.material, 2) ?? [];
  if (p === undefined || q === undefined || g === undefined || y === undefined || r === undefined || s === undefined)
    return false;
  if (r.length > q.length || s.length > q.length) return false;
  const pair = Buffer.concat([padded(r, q.length), padded(s, q.length)]);
  return createVerify(hash)
    .update(bytes)
    .update(packet.trailer)
    .verify({ key: dsaKey(p, q, g, y), dsaEncoding: 'ieee-p1363' }, pair);
}

async function verifyByOpenpgp({ bytes, packet, key }: SignedBytes): Promise<boolean> {
  const { packets } = await readSignature({ binarySignature: packet.bytes });
  const literal = (await createMessage({ binary: bytes })).packets[0];
  const [signature] = packets;
  if (signature === undefined || literal === undefined) return false;
  // Throws unless the signature is valid. Verified as of its own time, because setup ignores its date and expiry.
  await signature.verify(key.packet, enums.signature.binary, literal, signature.created ?? undefined, true);
  return true;
}

/** Node.js accepts DSA keys only in DER. Source: RFC 3279 2.3.2. */
function dsaKey(p: Uint8Array, q: Uint8Array, g: Uint8Array, y: Uint8Array): KeyObject {
  const dsaOid = Buffer.from('06072a8648ce380401', 'hex');
  const algorithm = der(0x30, dsaOid, der(0x30, derInteger(p), derInteger(q), derInteger(g)));
  const key = der(0x03, Buffer.of(0), derInteger(y));
  return createPublicKey({ key: der(0x30, algorithm, key), format: 'der', type: 'spki' });
}

function derInteger(number: Uint8Array): Buffer {
  return der(0x02, (number[0] ?? 0) < 0x80 ? number : Buffer.concat([Buffer.of(0), number]));
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), body]);
}

function padded(number: Uint8Array, length: number): Uint8Array {
  return Buffer.concat([Buffer.alloc(length - number.length), number]);
}

function base64url(number: Uint8Array): string {
  return Buffer.from(number).toString('base64url');
}
