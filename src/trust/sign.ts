import { readFile } from 'node:fs/promises';
import { createMessage, decryptKey, enums, readPrivateKeys, sign, type PrivateKey } from 'openpgp';
import { CygstrapError } from '../errors.ts';
import { isArmored } from './keyring.ts';

export interface Signed {
  /** Binary, detached, of version 4. */
  readonly signature: Uint8Array;
  /** Of the key, 40 hexadecimal digits, upper case. */
  readonly fingerprint: string;
  readonly warnings: readonly string[];
}

/** Signs bytes with the private key in a file, in the form that `setup --pubkey` accepts: by the primary key itself, SHA-256.
 *  Two signatures of the same bytes differ at least in their time. Throws `not-found`, `io`, and `signature` when the file holds
 *  not exactly one private key, when the passphrase is missing or wrong, or when its primary key may not or cannot sign. */
export async function signDetached(bytes: Uint8Array, keyFile: string, passphrase?: string): Promise<Signed> {
  const key = await unlocked(await readPrivateKey(keyFile), keyFile, passphrase);
  const warnings: string[] = [];
  const { algorithm } = key.keyPacket;
  if (![enums.publicKey.rsaEncryptSign, enums.publicKey.rsaSign, enums.publicKey.dsa].includes(algorithm)) {
    warnings.push(
      `setup does not verify signatures of ${key.getAlgorithmInfo().algorithm} keys such as the one in \`${keyFile}\`; it knows RSA and DSA`,
    );
  }
  const message = await createMessage({ binary: bytes });
  try {
    const signature = await sign({
      message,
      signingKeys: key,
      // A signing subkey would be preferred otherwise, and setup does not look at subkeys.
      signingKeyIDs: key.getKeyID(),
      detached: true,
      format: 'binary',
      config: {
        preferredHashAlgorithm: enums.hash.sha256,
        rejectPublicKeyAlgorithms: new Set([enums.publicKey.elgamal]),
        nonDeterministicSignaturesViaNotation: false,
      },
    });
    return { signature, fingerprint: key.getFingerprint().toUpperCase(), warnings };
  } catch (cause) {
    throw new CygstrapError('signature', `the primary key in \`${keyFile}\` cannot sign`, {
      hint: 'setup accepts signatures of a primary RSA or DSA key only, not of its subkeys; make one with `gpg --quick-generate-key NAME rsa3072 sign`',
      details: { keyFile },
      cause,
    });
  }
}

async function readPrivateKey(keyFile: string): Promise<PrivateKey> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(keyFile);
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new CygstrapError(
      isMissing ? 'not-found' : 'io',
      isMissing ? `no such key file: \`${keyFile}\`` : `cannot read the key file: \`${keyFile}\``,
      { details: { keyFile }, cause },
    );
  }
  const keys = await (
    isArmored(bytes)
      ? readPrivateKeys({ armoredKeys: Buffer.from(bytes).toString('latin1') })
      : readPrivateKeys({ binaryKeys: bytes })
  ).catch((cause: unknown) => {
    throw new CygstrapError('signature', `\`${keyFile}\` holds no OpenPGP private key`, {
      hint: 'write one to a file with `gpg --export-secret-keys KEY`',
      details: { keyFile },
      cause,
    });
  });
  const [key, ...others] = keys;
  if (key !== undefined && others.length === 0 && key.keyPacket.version === 4) return key;
  throw new CygstrapError('signature', `\`${keyFile}\` must hold one private key of version 4`, {
    hint: 'name the key: `gpg --export-secret-keys KEY`',
    details: { keyFile },
  });
}

async function unlocked(privateKey: PrivateKey, keyFile: string, passphrase: string | undefined): Promise<PrivateKey> {
  if (privateKey.isDecrypted()) return privateKey;
  const details = { keyFile };
  if (passphrase === undefined) {
    throw new CygstrapError('signature', `the private key in \`${keyFile}\` is locked and no passphrase is given`, {
      details,
    });
  }
  try {
    return await decryptKey({ privateKey, passphrase });
  } catch (cause) {
    throw new CygstrapError('signature', `the passphrase does not unlock the private key in \`${keyFile}\``, {
      details,
      cause,
    });
  }
}
