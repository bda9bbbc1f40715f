import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { enums, readKeys, type Key } from 'openpgp';
import { CygstrapError } from '../errors.ts';
import { hasCode } from '../io/system-error.ts';

/** A trusted primary key. Setup ignores subkeys. */
export interface TrustedKey {
  /** 40 hexadecimal digits, upper case. */
  readonly fingerprint: string;
  /** The last 16 digits; a signature refers to its key by them. */
  readonly keyId: string;
  /** For messages, such as `RSA-4096`, `DSA-1024`, `ed25519`. */
  readonly algorithm: string;
  /** Size of the modulus; undefined for elliptic curves. */
  readonly bits: number | undefined;
  readonly userIds: readonly string[];
  /** Undefined for a key without expiry. */
  readonly expiresAt: Date | undefined;
  readonly isRevoked: boolean;
  /** Key ids of its subkeys, for the message that rejects their signatures. */
  readonly subkeyIds: readonly string[];
  /** The file that contains it. */
  readonly file: string;
  readonly packet: Key['keyPacket'];
}

/** Trusted keys without duplicates, in the order of their files. */
export interface Keyring {
  readonly keys: readonly TrustedKey[];
}

/** Names of key files in a directory. */
const KEY_FILES = '*.{gpg,pgp,asc,pub}';

/** Reads OpenPGP public keys from files, binary or armored, and from the files `*.gpg`, `*.pgp`, `*.asc` and `*.pub` of
 *  directories. Includes expired and revoked keys and keys without self-signature, as setup does. Throws `not-found`,
 *  `io`, and `signature` for a file without a usable public key or with a private key. */
export async function readKeyring(paths: readonly string[]): Promise<Keyring> {
  const keys: TrustedKey[] = [];
  for (const path of paths) for (const file of await keyFilesOf(path)) keys.push(...(await readKeyFile(file)));
  return joinKeyrings({ keys });
}

/** Reads the built-in keyring: Cygwin's current and previous keys. */
export function shippedKeyring(): Promise<Keyring> {
  return readKeyring([fileURLToPath(new URL('../../src/trust/keys/cygwin.gpg', import.meta.url))]);
}

/** Joins keyrings; the first copy of a key wins. */
export function joinKeyrings(...keyrings: readonly Keyring[]): Keyring {
  const keys = new Map<string, TrustedKey>();
  for (const key of keyrings.flatMap((keyring) => keyring.keys))
    if (!keys.has(key.fingerprint)) keys.set(key.fingerprint, key);
  return { keys: [...keys.values()] };
}

async function keyFilesOf(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const { default: fastGlob } = await import('fast-glob');
    const files = await fastGlob.glob(KEY_FILES, { cwd: path, absolute: true, dot: true, caseSensitiveMatch: false });
    if (files.length > 0) return files.sort();
  } catch (error) {
    throw cannotRead(path, error);
  }
  throw new CygstrapError('signature', `the keyring directory \`${path}\` contains no key`, {
    hint: 'name the key files `*.gpg`, `*.pgp`, `*.asc` or `*.pub`',
    details: { path },
  });
}

async function readKeyFile(file: string): Promise<readonly TrustedKey[]> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw cannotRead(file, error);
  }
  const keys = await parseKeys(bytes).catch((cause: unknown) => {
    throw new CygstrapError('signature', `the keyring \`${file}\` contains no OpenPGP public key`, {
      hint: hintFor(bytes),
      details: { file },
      cause,
    });
  });
  if (keys.some((key) => key.isPrivate())) {
    throw new CygstrapError('signature', `the keyring \`${file}\` contains a private key`, {
      hint: 'export the public key instead: `gpg --export KEY`',
      details: { file },
    });
  }
  const usable = keys.filter(({ keyPacket }) => keyPacket.version === 4);
  if (usable.length === 0) {
    throw new CygstrapError(
      'signature',
      `the keyring \`${file}\` contains only key versions that setup does not support`,
      { hint: 'use an OpenPGP key of version 4', details: { file } },
    );
  }
  return Promise.all(usable.map((key) => trustedKey(key, file)));
}

/** Parses keys, binary or armored; all blocks of an armored file, also after a byte order mark or other text. Throws
 *  the errors of openpgp, also for a key that is cut. */
export async function parseKeys(bytes: Uint8Array): Promise<Key[]> {
  const text = Buffer.from(bytes)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '');
  const pieces = text.split(/^(?=-----BEGIN PGP )/m);
  const blocks = pieces.filter((piece) => piece.startsWith('-----BEGIN PGP '));
  // Binary keys start with a byte above 127.
  if (blocks.length === 0 || text.charCodeAt(0) > 127) return readKeys({ binaryKeys: bytes });
  if (blocks.length < pieces.length && /^-----END PGP /m.test(pieces[0] ?? ''))
    throw new Error('an armored block without its first line');
  const keys: Key[] = [];
  // openpgp itself reads the first block only.
  for (const armoredKeys of blocks) keys.push(...(await readKeys({ armoredKeys })));
  return keys;
}

/** Returns true for the text form of OpenPGP data. */
export function isArmored(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 256)).toString('latin1').trimStart().startsWith('-----BEGIN PGP ');
}

async function trustedKey(key: Key, file: string): Promise<TrustedKey> {
  const { algorithm, bits } = key.getAlgorithmInfo();
  // openpgp accepts self-signatures with SHA-1 here by default.
  const expiry = await key.getExpirationTime();
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    keyId: key.getKeyID().toHex().toUpperCase(),
    algorithm: nameOf(key.keyPacket.algorithm, algorithm, bits),
    bits,
    userIds: key.getUserIDs(),
    expiresAt: expiry instanceof Date ? expiry : undefined,
    isRevoked: key.revocationSignatures.length > 0,
    subkeyIds: key.subkeys.map((subkey) => subkey.getKeyID().toHex().toUpperCase()),
    file,
    packet: key.keyPacket,
  };
}

function nameOf(algorithm: enums.publicKey, name: string, bits: number | undefined): string {
  if (bits === undefined) return name;
  return `${algorithm === enums.publicKey.dsa ? 'DSA' : 'RSA'}-${bits}`;
}

function cannotRead(path: string, cause: unknown): CygstrapError {
  const isMissing = hasCode(cause, 'ENOENT');
  return new CygstrapError(
    isMissing ? 'not-found' : 'io',
    isMissing ? `no such keyring: \`${path}\`` : `cannot read the keyring: \`${path}\``,
    {
      ...(isMissing && {
        hint: 'pass a file of OpenPGP public keys, written by `gpg --export`, or a directory of such files',
      }),
      details: { path },
      cause,
    },
  );
}

function hintFor(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  if (head.slice(8, 12) === 'KBXf') return 'this is a GnuPG keybox; export the key with `gpg --export KEY`';
  if (head.trimStart().startsWith('<')) return 'this is a web page; download the key file itself';
  return 'export public keys with `gpg --export KEY`';
}
