import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { SSH_FILES, makeKeyPair, pinHostKey } from './ssh.ts';

/** File with the password of the user of the guest, in the directory of its stage. */
export const PASSWORD_FILE = 'password';

/** Exists only while the host key is made. */
const HOST_KEY_FILE = 'host.key';

/** How a guest and its host recognize each other. Made for one installation, on the host. */
export interface GuestIdentity extends ServerIdentity {
  /** The OpenSSH public key that may log in as `GuestKind.user`: one line. */
  readonly authorizedKey: string;
}

/** The part of an identity that the guest proves. */
export interface ServerIdentity {
  /** The ed25519 key of the ssh server of the guest: the text of the OpenSSH private key file, and one line
   *  `ssh-ed25519 AAAA...`. */
  readonly hostKey: { readonly privateKey: string; readonly publicKey: string };
  /** Of the user of the guest, for the guest and for its shares: 20 letters, digits and `-`. */
  readonly password: string;
}

/** Makes the keys and the password of a guest. Writes what the host needs into a directory, with mode 0600:
 *  {@link SSH_FILES} with the pinned host key, and the password. Throws GuestError `tool` if `ssh-keygen` fails, and
 *  errors of the system. */
export async function makeIdentity(keygen: string, directory: string): Promise<GuestIdentity> {
  await mkdir(directory, { recursive: true });
  const { publicKey: authorizedKey } = await makeKeyPair(keygen, join(directory, SSH_FILES.privateKey));
  return { authorizedKey, ...(await makeServerIdentity(keygen, directory)) };
}

/** As {@link makeIdentity}, without a key for the user. */
export async function makeServerIdentity(keygen: string, directory: string): Promise<ServerIdentity> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, HOST_KEY_FILE);
  let hostKey: ServerIdentity['hostKey'];
  try {
    const { publicKey } = await makeKeyPair(keygen, path);
    hostKey = { privateKey: await readFile(path, 'utf8'), publicKey: publicKey.split(' ').slice(0, 2).join(' ') };
  } finally {
    await Promise.all([path, `${path}.pub`].map((each) => rm(each, { force: true })));
  }
  const password = randomPassword();
  await pinHostKey(join(directory, SSH_FILES.knownHosts), hostKey.publicKey);
  await writeFileAtomically(join(directory, PASSWORD_FILE), `${password}\n`, { mode: 0o600 });
  return { hostKey, password };
}

/** Returns 20 letters and digits with all the kinds of characters that the password policy of a server requires. */
function randomPassword(): string {
  return `Cy1-${randomBytes(12).toString('base64url').replaceAll('_', 'x').replaceAll('-', 'y')}`;
}
