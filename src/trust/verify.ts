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
  /** Weaknesses that setup accepts silently. */
  readonly warnings: readonly string[];
}

export type RefusalReason =
  /** Every signature of the file is by a key that is not in the keyring. */
  | 'no-trusted-key'
  /** A trusted key signed other bytes. */
  | 'file-differs'
  /** The numbers of the signature do not match the key. */
  | 'bad-signature'
  /** The signature file ends early. */
  | 'truncated'
  /** Not an OpenPGP signature. */
  | 'malformed'
  /** A signature type that setup rejects too, or a broken hash algorithm. */
  | 'unsupported'
  /** Made by a subkey of a trusted key; setup ignores subkeys. */
  | 'subkey';

/** No trusted key has a valid signature of these bytes. */
export interface Refused {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  /** One sentence to follow `SITE/FILE: `. */
  readonly message: string;
  /** Key ids in the signature, 16 hexadecimal digits each. */
  readonly keyIds: readonly string[];
}

export interface VerifyOptions {
  /** Keys and signatures that expired before this time produce warnings. Default: the current time. */
  readonly now?: Date;
}

const HASHES: ReadonlyMap<number, string> = new Map([
  [2, 'sha1'],
  [8, 'sha256'],
  [9, 'sha384'],
  [10, 'sha512'],
  [11, 'sha224'],
]);

/** Reasons in order of precedence: the most specific first. */
const PRECEDENCE: readonly RefusalReason[] = [
  'file-differs',
  'bad-signature',
  'truncated',
  'subkey',
  'unsupported',
  'malformed',
  'no-trusted-key',
];

/** Verifies a detached signature as Cygwin's setup does: one valid packet in the signature file is enough, and dates,
 *  expiry and revocation only produce warnings. Of several valid packets, the result names the one with the fewest
 *  warnings. Unlike setup, it rejects MD5 and RIPEMD-160, and accepts armored signatures and elliptic curves. Never
 *  throws for malformed bytes. Source: cygwin-setup crypto.cc, gpg-packet.cc. */
export async function verifyDetached(
  bytes: Uint8Array,
  signature: Uint8Array,
  keyring: Keyring,
  options: VerifyOptions = {},
): Promise<Verified | Refused> {
  const binary = isArmored(signature) ? await withoutArmor(signature) : signature;
  if (binary === undefined)
    return { kind: 'refused', reason: 'malformed', message: 'its signature is damaged ASCII armor', keyIds: [] };
  const { packets, faults } = readSignatureFile(binary);
  const refusals: Pick<Refused, 'reason' | 'message'>[] = faults.map(({ reason, message }) => ({
    reason,
    message: `its signature is not usable: ${message}`,
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
  // Cygwin signs with its old, weak key first and then with the current one.
  const [best] = verified.sort((a, b) => a.warnings.length - b.warnings.length);
  if (best !== undefined)
    return {
      ...best,
      warnings: [
        ...best.warnings,
        ...faults.map(({ message }) => `a part of the signature file is not usable: ${message}`),
      ],
    };
  const [first] = refusals.sort((a, b) => PRECEDENCE.indexOf(a.reason) - PRECEDENCE.indexOf(b.reason));
  const keyIds = [...new Set(packets.flatMap(({ issuerKeyId }) => issuerKeyId ?? []))];
  const { reason, message } = first ?? { reason: 'malformed', message: 'its signature file contains no signature' };
  return {
    kind: 'refused',
    reason,
    message: reason === 'no-trusted-key' && keyIds.length > 1 ? untrustedText(keyIds) : message,
    keyIds,
  };
}

type Answer = { readonly key: TrustedKey } | Pick<Refused, 'reason' | 'message'>;

async function verifyPacket(bytes: Uint8Array, packet: SignaturePacket, keyring: Keyring): Promise<Answer> {
  const { issuerKeyId } = packet;
  const keys = keyring.keys.filter(
    ({ keyId, packet: { algorithm } }) =>
      (issuerKeyId ?? keyId) === keyId && isSameAlgorithm(algorithm, packet.algorithm),
  );
  const [first] = keys;
  if (first === undefined) return untrustedBy(issuerKeyId, keyring);
  const hash = HASHES.get(packet.hash);
  if (hash === undefined)
    return {
      reason: 'unsupported',
      message: `its signature uses ${hashName(packet.hash)}, which is broken or unknown`,
    };
  const digest = createHash(hash).update(bytes).update(packet.trailer).digest();
  const name = keys.length === 1 ? `key ${first.keyId}` : 'a trusted key';
  if (!digest.subarray(0, 2).equals(packet.digestStart)) {
    return {
      reason: 'file-differs',
      message: `it differs from the file that ${name} signed: the mirror is being updated, or one of them was changed`,
    };
  }
  for (const key of keys) if (await verifyNumbers({ bytes, packet, hash, key })) return { key };
  return { reason: 'bad-signature', message: `its signature is damaged: it does not match ${name}` };
}

/** OpenPGP has three numbers for RSA: any purpose, encryption, signing. */
function isSameAlgorithm(ofKey: number, ofSignature: number): boolean {
  return ofKey === ofSignature || (ofKey <= 3 && ofSignature <= 3);
}

function untrustedBy(issuerKeyId: string | undefined, keyring: Keyring): Pick<Refused, 'reason' | 'message'> {
  const owner = keyring.keys.find(({ subkeyIds }) => issuerKeyId !== undefined && subkeyIds.includes(issuerKeyId));
  if (owner !== undefined) {
    return {
      reason: 'subkey',
      message:
        `it is signed by ${issuerKeyId}, a subkey of the trusted key ${owner.keyId}; setup accepts the ` +
        'primary key only',
    };
  }
  return { reason: 'no-trusted-key', message: untrustedText(issuerKeyId === undefined ? [] : [issuerKeyId]) };
}

function untrustedText(keyIds: readonly string[]): string {
  if (keyIds.length === 0) return 'it is signed by an unnamed key that is not in the keyring';
  return `it is signed by ${keyIds.length === 1 ? 'key' : 'keys'} ${keyIds.join(' and ')}, not in the keyring`;
}

function warningsOf(key: TrustedKey, packet: SignaturePacket, now: Date): string[] {
  const warnings: string[] = [];
  if (HASHES.get(packet.hash) === 'sha1') warnings.push(`the signature of key ${key.keyId} uses SHA-1, which is weak`);
  if (key.bits !== undefined && key.bits < 2048) warnings.push(`key ${key.keyId} (${key.algorithm}) is weak`);
  if (key.expiresAt !== undefined && key.expiresAt <= now)
    warnings.push(`key ${key.keyId} expired on ${dayOf(key.expiresAt)}; setup accepts it`);
  if (key.isRevoked) warnings.push(`key ${key.keyId} is revoked; setup ignores that`);
  if (packet.expiresAt !== undefined && packet.expiresAt <= now)
    warnings.push(`the signature of key ${key.keyId} expired on ${dayOf(packet.expiresAt)}; setup accepts it`);
  return warnings;
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function hashName(hash: number): string {
  if (hash === 1) return 'MD5';
  return hash === 3 ? 'RIPEMD-160' : `hash algorithm ${hash} of OpenPGP`;
}

/** Returns undefined for damaged armor or for armor of another type. */
async function withoutArmor(signature: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    const { type, data } = await unarmor(Buffer.from(signature).toString('latin1'));
    // For a string, openpgp returns bytes, although its types say otherwise.
    const bytes: unknown = data;
    return type === enums.armor.signature && bytes instanceof Uint8Array ? bytes : undefined;
  } catch {
    return undefined;
  }
}
