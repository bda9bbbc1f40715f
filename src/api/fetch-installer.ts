import { relative } from 'node:path';
import { fromData } from 'ssri';
import { CygstrapError } from '../errors.ts';
import { readLimited } from '../io/read-limited.ts';
import type { RepoPath } from '../repo/files/file.ts';
import { installerPaths } from '../repo/files/path.ts';
import type { Store } from '../repo/store.ts';
import type { VerifiedFile } from '../repo/verified.ts';
import { FetchError } from '../site/base/fetch-error.ts';
import type { Site } from '../site/base/site.ts';
import type { SiteSet } from '../site/site-set.ts';
import type { Keyring } from '../trust/keyring.ts';
import { verifyDetached } from '../trust/verify.ts';

/** Most bytes of a setup program; that of 2025 has 1.5 MB. */
export const MOST_INSTALLER_BYTES = 64 * 1024 * 1024;

export interface InstallerOptions {
  readonly arch: string;
  readonly keyring: Keyring;
  readonly signal: AbortSignal;
}

/** Fetches `setup-ARCH.exe` and its signature where paths of the index start, and returns its path in the repo. It is
 *  verified against the keyring whether or not the index is. Throws `fetch`, and `signature` when no trusted key signed
 *  it. */
export async function fetchInstaller(
  store: Store,
  sites: SiteSet,
  { arch, keyring, signal }: InstallerOptions,
): Promise<string> {
  const { program, signature: signaturePath } = installerPaths(arch);
  const fetched = (path: string): Promise<Uint8Array> =>
    sites.attempt(path, (site) => readAll(site, path, signal), { signal });
  const signature = await fetched(signaturePath).catch((error: unknown) => {
    if (!(error instanceof FetchError) || error.kind !== 'missing') throw error;
    throw new CygstrapError('signature', `\`${program}\` is refused: the site has no signature of it`, {
      hint: 'use another site with `--installer-site`',
      cause: error,
    });
  });
  const bytes = await fetched(program);
  const answer = await verifyDetached(bytes, signature, keyring);
  if (answer.kind === 'refused') {
    throw new CygstrapError('signature', `\`${program}\` is refused: ${answer.message}`, {
      hint: 'trust the key of its site with `--keyring FILE`',
      details: { reason: answer.reason },
    });
  }
  // The signature first: a program without one is never there.
  await putBytes(store, signaturePath, signature);
  const { location } = await putBytes(store, program, bytes);
  return relative(store.places.root, location);
}

async function readAll(site: Site, path: string, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = await readLimited((await site.open(path, { signal })).chunks, MOST_INSTALLER_BYTES);
  if (bytes === undefined)
    throw new CygstrapError('limit', `\`${path}\` from ${site.name} has more than ${MOST_INSTALLER_BYTES} bytes`);
  return bytes;
}

async function putBytes(store: Store, path: RepoPath, bytes: Uint8Array): Promise<VerifiedFile> {
  const hex = fromData(Buffer.from(bytes), { algorithms: ['sha512'] }).hexDigest();
  const file = { path, sizeBytes: bytes.length, digest: { algorithm: 'sha512', hex } } as const;
  return store.put(file, async ({ fromByte }) => ({
    startByte: fromByte,
    validator: undefined,
    chunks: chunksOf(bytes.subarray(fromByte)),
  }));
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
