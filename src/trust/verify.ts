import { createHash } from 'node:crypto';
import { enums, unarmor } from 'openpgp';
import { verifyNumbers } from './algorithms.ts';
import { isArmored, type Keyring, type TrustedKey } from './keyring.ts';
import { readSignatureFile, type SignaturePacket } from './signature-packet.ts';

/** A trusted key signed exactly these bytes. */
export interface Verified {
  readonly kind: 'verified';
  /** Of the key, 40 hexadecimal digits, upper case. */
  readonly fingerprint: string;
  /** What a careful reader should know; setup would accept it without a word. */
  readonly warnings: readonly string[];
}

export type RefusalReason =
  /** None of the keys that signed is in the keyring. */
  | 'no-trusted-key'
  /** A trusted key signed, but other bytes. */
  | 'file-differs'
  /** The signature's own numbers are not what its key made. */
  | 'bad-signature'
  /** The signature ends before its end. */
  | 'truncated'
  /** Not an OpenPGP signature at all. */
  | 'malformed'
  /** Of a kind that setup does not accept either, or made with a broken hash. */
  | 'unsupported'
  /** Made by a subkey of a trusted key, which setup does not look at. */
  | 'subkey';

/** No trusted key is known to have signed these bytes. */
export interface Refused {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  /** One sentence that goes after `SITE/FILE: `. */
  readonly message: string;
  /** Of the keys that the signature names, 16 hexadecimal digits each. */
  readonly keyIds: readonly string[];
}

export interface VerifyOptions {
  /** What expired before is mentioned. */
  readonly now?: Date;
}

const HASHES: ReadonlyMap<number, string> = new Map([
  [2, 'sha1'],
  [8, 'sha256'],
  [9, 'sha384'],
  [10, 'sha512'],
  [11, 'sha224'],
]);

/** Of several reasons the one that tells most comes first. */
const TELLING: readonly RefusalReason[] = [
  'file-differs',
  'bad-signature',
  'truncated',
  'subkey',
  'unsupported',
  'no-trusted-key',
  'malformed',
];

/** Tells whether a key of the keyring signed these bytes, as Cygwin's setup does: of the packets in a signature file one good one
 *  is enough (of several, the one with the least to warn of is named); dates, expiry and revocation of a key do not matter, and
 *  become warnings. Unlike setup it refuses MD5 and RIPEMD-160, and takes armored signatures and elliptic curves as well.
 *  Never throws for odd bytes. Source: cygwin-setup crypto.cc, gpg-packet.cc. */
export async function verifyDetached(
  bytes: Uint8Array,
  signature: Uint8Array,
  keyring: Keyring,
  options: VerifyOptions = {},
): Promise<Verified | Refused> {
  const binary = isArmored(signature) ? await withoutArmor(signature) : signature;
  if (binary === undefined)
    return {
      kind: 'refused',
      reason: 'malformed',
      message: 'its signature is text, but not an intact OpenPGP signature',
      keyIds: [],
    };
  const { packets, faults } = readSignatureFile(binary);
  const refusals: Pick<Refused, 'reason' | 'message'>[] = faults.map(({ reason, message }) => ({
    reason,
    message: `its signature is no use: ${message}`,
  }));
  const verified: Verified[] = [];
  for (const packet of packets) {
    const answer = await verifyPacket(bytes, packet, keyring);
    if (!('key' in answer)) refusals.push(answer);
    else
      verified.push({
        kind: 'verified',
        fingerprint: answer.key.fingerprint,
        warnings: warningsOf(answer.key, packet, options.now ?? new Date()),
      });
  }
  // Cygwin signs with its old, weak key first and then with the one in use.
  const [best] = verified.sort((a, b) => a.warnings.length - b.warnings.length);
  if (best !== undefined)
    return {
      ...best,
      warnings: [
        ...best.warnings,
        ...faults.map(({ message }) => `a part of the signature file is no use: ${message}`),
      ],
    };
  const [first] = refusals.sort((a, b) => TELLING.indexOf(a.reason) - TELLING.indexOf(b.reason));
  const keyIds = [...new Set(packets.flatMap(({ issuerKeyId }) => issuerKeyId ?? []))];
  const { reason, message } = first ?? { reason: 'malformed', message: 'its signature file holds no signature' };
  return {
    kind: 'refused',
    reason,
    message: reason === 'no-trusted-key' && keyIds.length > 1 ? strangersText(keyIds) : message,
    keyIds,
  };
}

type Answer = { readonly key: TrustedKey } | Pick<Refused, 'reason' | 'message'>;

async function verifyPacket(bytes: Uint8Array, packet: SignaturePacket, keyring: Keyring): Promise<Answer> {
  const { issuerKeyId } = packet;
  const hash = HASHES.get(packet.hash);
  if (hash === undefined)
    return { reason: 'unsupported', message: `its signature uses ${hashName(packet.hash)}, which proves nothing` };
  const keys = keyring.keys.filter(
    ({ keyId, packet: { algorithm } }) =>
      (issuerKeyId ?? keyId) === keyId && isSameAlgorithm(algorithm, packet.algorithm),
  );
  const [first] = keys;
  if (first === undefined) return strangerOf(issuerKeyId, keyring);
  const digest = createHash(hash).update(bytes).update(packet.trailer).digest();
  const name = keys.length === 1 ? `key ${first.keyId}` : 'a trusted key';
  if (!digest.subarray(0, 2).equals(packet.digestStart)) {
    return {
      reason: 'file-differs',
      message: `it is not the file that ${name} signed: file and signature are of different times, or one was changed`,
    };
  }
  for (const key of keys) if (await verifyNumbers({ bytes, packet, hash, key })) return { key };
  return {
    reason: 'bad-signature',
    message: `its signature is damaged: its numbers are not what ${name} made for this file`,
  };
}

/** RSA has three numbers in OpenPGP, for all purposes, encryption and signing. */
function isSameAlgorithm(ofKey: number, ofSignature: number): boolean {
  return ofKey === ofSignature || (ofKey <= 3 && ofSignature <= 3);
}

function strangerOf(issuerKeyId: string | undefined, keyring: Keyring): Pick<Refused, 'reason' | 'message'> {
  const owner = keyring.keys.find(({ subkeyIds }) => issuerKeyId !== undefined && subkeyIds.includes(issuerKeyId));
  if (owner !== undefined) {
    return {
      reason: 'subkey',
      message: `it is signed by ${issuerKeyId}, a subkey of the trusted key ${owner.keyId}; setup accepts the primary key only`,
    };
  }
  return { reason: 'no-trusted-key', message: strangersText(issuerKeyId === undefined ? [] : [issuerKeyId]) };
}

function strangersText(keyIds: readonly string[]): string {
  if (keyIds.length === 0) return 'it is signed by a key that it does not name and that is not in the keyring';
  return `it is signed by ${keyIds.length === 1 ? 'key' : 'keys'} ${keyIds.join(' and ')}, not in the keyring`;
}

function warningsOf(key: TrustedKey, packet: SignaturePacket, now: Date): string[] {
  const warnings: string[] = [];
  if (HASHES.get(packet.hash) === 'sha1')
    warnings.push(`the signature of key ${key.keyId} uses SHA-1, which can be forged at some cost`);
  if (key.bits !== undefined && key.bits < 2048)
    warnings.push(`key ${key.keyId} (${key.algorithm}) is weak by today's measure`);
  if (key.expiresAt !== undefined && key.expiresAt <= now)
    warnings.push(`key ${key.keyId} expired on ${dayOf(key.expiresAt)}; setup does not mind`);
  if (key.isRevoked) warnings.push(`key ${key.keyId} carries a revocation, which setup does not look at`);
  if (packet.expiresAt !== undefined && packet.expiresAt <= now)
    warnings.push(`the signature of key ${key.keyId} expired on ${dayOf(packet.expiresAt)}; setup does not mind`);
  return warnings;
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function hashName(hash: number): string {
  if (hash === 1) return 'MD5';
  return hash === 3 ? 'RIPEMD-160' : `the hash that OpenPGP numbers ${hash}`;
}

/** Undefined for what is no signature, or damaged. */
async function withoutArmor(signature: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    const { type, data } = await unarmor(Buffer.from(signature).toString('latin1'));
    // What was a string and not a stream comes back as bytes, though the types do not say so.
    const bytes: unknown = data;
    return type === enums.armor.signature && bytes instanceof Uint8Array ? bytes : undefined;
  } catch {
    return undefined;
  }
}
