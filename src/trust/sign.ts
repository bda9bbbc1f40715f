import { readFile } from 'node:fs/promises';
import { createMessage, decryptKey, enums, readPrivateKeys, sign, type PrivateKey } from 'openpgp';
import { CygstrapError } from '../errors.ts';
import { hasCode } from '../io/system-error.ts';
import { isArmored } from './keyring.ts';

export interface Signed {
  /** Binary, detached, version 4. */
  readonly signature: Uint8Array;
  /** Of the key, 40 hexadecimal digits, upper case. */
  readonly fingerprint: string;
  readonly warnings: readonly string[];
}

/** Signs bytes with the private key in a file, in the form that `setup --pubkey` accepts: primary key, SHA-256. Two
 *  signatures of the same bytes differ at least in their time. Throws `not-found`, `io`, and `signature` unless the
 *  file contains exactly one private key, the passphrase is right, and the primary key can sign. */
export async function signDetached(bytes: Uint8Array, keyFile: string, passphrase?: string): Promise<Signed> {
  const key = await unlocked(await readPrivateKey(keyFile), keyFile, passphrase);
  const warnings: string[] = [];
  const { algorithm } = key.keyPacket;
  if (![enums.publicKey.rsaEncryptSign, enums.publicKey.rsaSign, enums.publicKey.dsa].includes(algorithm)) {
    warnings.push(
      `setup cannot verify signatures of the ${key.getAlgorithmInfo().algorithm} key in \`${keyFile}\`; ` +
        'it supports RSA and DSA',
    );
  }
  const message = await createMessage({ binary: bytes });
  try {
    const signature = await sign({
      message,
      signingKeys: key,
      // Without this, openpgp prefers a signing subkey, which setup ignores.
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
      hint: 'setup accepts only primary RSA or DSA keys; create one with `gpg --quick-generate-key NAME rsa3072 sign`',
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
    const isMissing = hasCode(cause, 'ENOENT');
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
    throw new CygstrapError('signature', `\`${keyFile}\` contains no OpenPGP private key`, {
      hint: 'export one with `gpg --export-secret-keys KEY`',
      details: { keyFile },
      cause,
    });
  });
  const [key, ...others] = keys;
  if (key !== undefined && others.length === 0 && key.keyPacket.version === 4) return key;
  throw new CygstrapError('signature', `\`${keyFile}\` must contain exactly one private key of version 4`, {
    hint: 'export a single key: `gpg --export-secret-keys KEY`',
    details: { keyFile },
  });
}

async function unlocked(privateKey: PrivateKey, keyFile: string, passphrase: string | undefined): Promise<PrivateKey> {
  if (privateKey.isDecrypted()) return privateKey;
  const details = { keyFile };
  if (passphrase === undefined) {
    throw new CygstrapError('signature', `missing passphrase for the private key in \`${keyFile}\``, {
      hint: 'set CYGSTRAP_PASSPHRASE, or in the library `passphrase`',
      details,
    });
  }
  try {
    return await decryptKey({ privateKey, passphrase });
  } catch (cause) {
    throw new CygstrapError('signature', `wrong passphrase for the private key in \`${keyFile}\``, {
      hint: 'correct CYGSTRAP_PASSPHRASE, or in the library `passphrase`',
      details,
      cause,
    });
  }
}
