import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { hasCode } from '../io/system-error.ts';
import type { RepoPlaces } from '../repo/files/layout.ts';
import { installerPaths } from '../repo/files/path.ts';
import { verifyDetached } from '../trust/verify.ts';
import { MOST_INSTALLER_BYTES } from './fetch-installer.ts';
import { trustedKeys } from '../trust/verifier.ts';

/** The setup program of a repo and its signature. */
export interface RepoInstaller {
  readonly name: string;
  readonly files: readonly { readonly path: string; readonly bytes: Uint8Array }[];
}

/** Reads the setup program of a repo and verifies its signature with the built-in keys and those of the given files.
 *  Returns undefined if the repo has none. Throws `signature` if no trusted key signed it, `limit` and `io`. */
export async function installerOf(
  { root, base }: RepoPlaces,
  arch: string,
  keyring: readonly string[],
): Promise<RepoInstaller | undefined> {
  const name = installerPaths(arch).program;
  const location = join(root, base, name);
  const bytes = await read(location);
  if (bytes === undefined) return undefined;
  const signature = await read(`${location}.sig`);
  const answer =
    signature === undefined ? undefined : await verifyDetached(bytes, signature, await trustedKeys(keyring));
  if (signature !== undefined && answer?.kind === 'verified') {
    return {
      name,
      files: [
        { path: name, bytes },
        { path: `${name}.sig`, bytes: signature },
      ],
    };
  }
  const why = answer?.kind === 'refused' ? answer.message : 'it has no signature';
  throw new CygstrapError('signature', `\`${location}\` is refused: ${why}`, {
    hint: 'fetch it again with `cygstrap fetch --installer`, or trust its key with `--keyring FILE`',
    details: { path: location },
  });
}

async function read(location: string): Promise<Uint8Array | undefined> {
  try {
    const { size } = await stat(location);
    if (size > MOST_INSTALLER_BYTES)
      throw new CygstrapError('limit', `\`${location}\` has more than ${MOST_INSTALLER_BYTES} bytes`);
    return await readFile(location);
  } catch (cause) {
    if (cause instanceof CygstrapError) throw cause;
    if (hasCode(cause, 'ENOENT')) return undefined;
    throw new CygstrapError('io', `cannot read \`${location}\``, { cause });
  }
}
