import type { SiteEntry } from '../core/config/config.ts';
import { CygstrapError } from '../errors.ts';
import type { SiteTrust } from '../site/index-discovery.ts';
import type { IndexGroup } from '../site/index-source.ts';
import type { SiteSet } from '../site/site-set.ts';
import type { Keyring } from '../trust/keyring.ts';
import type { Verify } from '../trust/verifier.ts';

/** The trust of every site without a trust of its own. */
export interface CommonTrust {
  /** Files of keys to trust besides the built-in ones. */
  readonly keyring: readonly string[];
  /** Accepts an unsigned index; only for a single group of sites. */
  readonly unsigned: boolean;
}

/** Joins opened sites with the trust of each; `entries` has the sites in the same order. Reads all key files. Throws
 *  `usage` for `unsigned` with several groups, and the errors of reading keyrings. */
export async function withTrust(
  opened: readonly SiteSet[],
  entries: readonly (readonly SiteEntry[])[],
  { keyring, unsigned }: CommonTrust,
): Promise<IndexGroup[]> {
  if (unsigned && entries.length > 1)
    throw new CygstrapError('usage', '`--unsigned` cannot be combined with several sites that have their own index', {
      hint: 'name the site whose index is unsigned: `--unsigned-site ADDRESS`',
    });
  const common = await commonVerifier(keyring);
  const trustOf = async (entry: SiteEntry | undefined): Promise<SiteTrust> => {
    if (entry === undefined || typeof entry === 'string') return { verify: common, unsigned };
    return {
      verify: entry.keys === undefined ? common : await ownVerifier(entry.keys),
      unsigned: unsigned || entry.unsigned === true,
    };
  };
  return Promise.all(
    opened.map(async (sites, i) => ({
      sites,
      trusts: await Promise.all(sites.sites.map((_, at) => trustOf(entries[i]?.[at]))),
    })),
  );
}

/** Returns a verifier for the built-in keys and those of further files. Reads the files at once, so that their errors
 *  appear first; without files, OpenPGP is loaded with the first signature. */
async function commonVerifier(files: readonly string[]): Promise<Verify> {
  const keys = async (): Promise<Keyring> => (await import('../trust/verifier.ts')).trustedKeys(files);
  let keyring = files.length === 0 ? undefined : await keys();
  return async (bytes, signature) => {
    const { verifyDetached } = await import('../trust/verify.ts');
    keyring ??= await keys();
    return verifyDetached(bytes, signature, keyring);
  };
}

/** Returns a verifier for the keys of these files only. */
async function ownVerifier(files: readonly string[]): Promise<Verify> {
  const [{ readKeyring }, { verifyDetached }] = await Promise.all([
    import('../trust/keyring.ts'),
    import('../trust/verify.ts'),
  ]);
  const keyring = await readKeyring(files);
  return (bytes, signature) => verifyDetached(bytes, signature, keyring);
}
