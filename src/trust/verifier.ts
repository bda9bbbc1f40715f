import { joinKeyrings, readKeyring, shippedKeyring } from './keyring.ts';
import type { Keyring } from './keyring.ts';
import type { Refused, Verified } from './verify.ts';

/** Verifies a detached signature of some bytes. */
export type Verify = (bytes: Uint8Array, signature: Uint8Array) => Promise<Verified | Refused>;

/** Reads the built-in keys and those of further files. Throws the errors of `readKeyring`. */
export async function trustedKeys(files: readonly string[]): Promise<Keyring> {
  return joinKeyrings(await shippedKeyring(), await readKeyring(files));
}
