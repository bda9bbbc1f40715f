import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { enums, readKeys, type Key } from 'openpgp';
import { CygstrapError } from '../errors.ts';

/** A public key whose signatures are trusted. Only the primary key: setup skips subkeys. */
export interface TrustedKey {
  /** 40 hexadecimal digits, upper case. */
  readonly fingerprint: string;
  /** The last 16 of them, by which a signature names its key. */
  readonly keyId: string;
  /** For people, such as `RSA-4096`, `DSA-1024`, `ed25519`. */
  readonly algorithm: string;
  /** Undefined where a key's strength is not told in bits of a modulus. */
  readonly bits: number | undefined;
  readonly userIds: readonly string[];
  /** Undefined: never, or the key does not tell. */
  readonly expiresAt: Date | undefined;
  readonly isRevoked: boolean;
  /** Key ids of its subkeys, to say why their signatures do not count. */
  readonly subkeyIds: readonly string[];
  /** The file it was read from. */
  readonly file: string;
  readonly packet: Key['keyPacket'];
}

/** Keys that are trusted, each once, in the order of their files. */
export interface Keyring {
  readonly keys: readonly TrustedKey[];
}

/** What files of keys in a directory are called. */
const KEY_FILES = '*.{gpg,pgp,asc,pub}';

/** Reads files of OpenPGP public keys, one or many in a file, binary or armored; of a directory, the files called `*.gpg`, `*.pgp`,
 *  `*.asc` and `*.pub`. Keys without self-signature, expired and revoked ones count, as with setup.
 *  Throws `not-found`, `io`, and `signature` for a file that holds no usable public key, or a private one. */
export async function readKeyring(paths: readonly string[]): Promise<Keyring> {
  const keys: TrustedKey[] = [];
  for (const path of paths) for (const file of await keyFilesOf(path)) keys.push(...(await readKeyFile(file)));
  return joinKeyrings({ keys });
}

/** Reads the keyring that comes with cygstrap: Cygwin's own keys, the one in use and the one before it. */
export function shippedKeyring(): Promise<Keyring> {
  return readKeyring([fileURLToPath(new URL('../../src/trust/keys/cygwin.gpg', import.meta.url))]);
}

/** Joins keyrings; of a key in several, the first counts. */
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
  throw new CygstrapError('signature', `the keyring directory \`${path}\` holds no key`, {
    hint: 'its keys must be files called `*.gpg`, `*.pgp`, `*.asc` or `*.pub`',
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
    throw new CygstrapError('signature', `the keyring \`${file}\` holds no OpenPGP public key`, {
      hint: hintFor(bytes),
      details: { file },
      cause,
    });
  });
  if (keys.some((key) => key.isPrivate())) {
    throw new CygstrapError('signature', `the keyring \`${file}\` holds a private key`, {
      hint: 'keep that file to yourself and give the public key, which `gpg --export KEY` writes',
      details: { file },
    });
  }
  const usable = keys.filter(({ keyPacket }) => keyPacket.version === 4);
  if (usable.length === 0) {
    throw new CygstrapError(
      'signature',
      `the keyring \`${file}\` holds only keys of versions that setup does not know`,
      { hint: 'use an OpenPGP key of version 4', details: { file } },
    );
  }
  return Promise.all(usable.map((key) => trustedKey(key, file)));
}

/** Parses keys in either form. Throws what openpgp throws. */
export function parseKeys(bytes: Uint8Array): Promise<Key[]> {
  return isArmored(bytes)
    ? readKeys({ armoredKeys: Buffer.from(bytes).toString('latin1') })
    : readKeys({ binaryKeys: bytes });
}

/** True for the text form of OpenPGP data. */
export function isArmored(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 256)).toString('latin1').trimStart().startsWith('-----BEGIN PGP ');
}

async function trustedKey(key: Key, file: string): Promise<TrustedKey> {
  const { algorithm, bits } = key.getAlgorithmInfo();
  // A self-signature with SHA-1 counts for this, which is the default.
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
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
  return new CygstrapError(
    isMissing ? 'not-found' : 'io',
    isMissing ? `no such keyring: \`${path}\`` : `cannot read the keyring: \`${path}\``,
    {
      ...(isMissing && {
        hint: 'a keyring is a file of OpenPGP public keys, as `gpg --export` writes it, or a directory of such files',
      }),
      details: { path },
      cause,
    },
  );
}

function hintFor(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  if (head.slice(8, 12) === 'KBXf')
    return "this is GnuPG's own key box; write its keys to a file with `gpg --export KEY`";
  if (head.trimStart().startsWith('<')) return 'this is a web page; fetch the key itself';
  return 'give public keys as `gpg --export KEY` writes them';
}
