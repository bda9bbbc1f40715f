import { CygstrapError } from '../errors.ts';
import { readLimited } from '../io/read-limited.ts';
import type { IndexForm } from '../core/setup-ini/forms.ts';
import { FetchError, type FetchErrorKind } from './base/fetch-error.ts';
import { indexPlaces, type IndexPath } from './index-layout.ts';
import type { SiteSet } from './site-set.ts';
import type { Download, Site } from './base/site.ts';

/** The key that made a signature, or why it is not valid: a phrase to follow `FILE: `. */
export type SignatureAnswer =
  | { readonly kind: 'verified'; readonly fingerprint: string; readonly warnings: readonly string[] }
  | { readonly kind: 'refused'; readonly message: string };

export interface IndexLimits {
  /** Bound of the size of an index before decompression. */
  readonly maxIndexBytes: number;
  readonly maxSignatureBytes: number;
}

export const INDEX_LIMITS: IndexLimits = { maxIndexBytes: 64 * 1024 * 1024, maxSignatureBytes: 64 * 1024 };

/** An index from an earlier call. */
export interface KnownIndex {
  /** The site's `name`. */
  readonly site: string;
  readonly path: string;
  readonly validator: string;
}

export interface FindIndexOptions {
  /** Name of the directory on the site: `x86_64`, `x86`, `aarch64`. */
  readonly arch: string;
  /** Default `setup`. */
  readonly basename?: string;
  readonly verify: (bytes: Uint8Array, signature: Uint8Array) => Promise<SignatureAnswer>;
  /** Accepts the first index without reading its signature. Only on the explicit request of the user. */
  readonly unsigned: boolean;
  /** The site does not send it again if it has not changed. */
  readonly known?: KnownIndex;
  readonly limits?: Partial<IndexLimits>;
  readonly signal?: AbortSignal;
}

interface Place {
  readonly site: Site;
  /** Relative to the site. */
  readonly path: string;
  /** Messages for the user: what was skipped, and weaknesses of this index. */
  readonly warnings: readonly string[];
}

export interface FoundIndex extends Place {
  readonly kind: 'found';
  /** As sent, compressed or not. */
  readonly bytes: Uint8Array;
  readonly form: IndexForm;
  /** Signature of `bytes`; undefined if unsigned. */
  readonly signature: Uint8Array | undefined;
  /** Fingerprint of the key, 40 hexadecimal digits, or `unsigned`. */
  readonly signer: string;
  /** For `known` of the next call. */
  readonly validator: string | undefined;
}

/** The site has the known index unchanged; it was neither sent nor verified again. */
export interface UnchangedIndex extends Place {
  readonly kind: 'unchanged';
}

/** Why a form, or a whole site (`path` undefined), was skipped. */
interface PassedOver {
  readonly address: string;
  readonly why: string;
  /** `missing`: the site has no index. `untrusted`: the index has no valid signature of a trusted key. */
  readonly kind: 'missing' | 'failed' | 'untrusted';
}

interface Search extends FindIndexOptions, IndexLimits {
  readonly passedOver: Map<Site, PassedOver[]>;
}

/** After these failures, other files of the site would fail too. */
const SITE_DOWN: ReadonlySet<FetchErrorKind> = new Set(['connect', 'tls', 'timeout']);

/** Finds the index of an architecture: for each site the forms in the order of setup (zst, xz, bz2, ini), each with
 *  its `.sig`. Setup gives up a site at the first form without a valid signature; this function tries the next form
 *  and then the next site. Throws `signature` with a list of all forms if none has a valid signature, `not-found` if
 *  no site has an index, FetchError if no site responds, and the reason of the signal. */
export async function findIndex(
  sites: Pick<SiteSet, 'attempt'>,
  options: FindIndexOptions,
): Promise<FoundIndex | UnchangedIndex> {
  const { arch, basename = 'setup', signal } = options;
  const search: Search = { ...INDEX_LIMITS, ...options.limits, ...options, passedOver: new Map() };
  const places = indexPlaces(arch, basename);
  try {
    const found = await sites.attempt(
      `${arch}/${basename}.*`,
      (site) => searchSite(site, places, search),
      signal === undefined ? {} : { signal },
    );
    const before = [...search.passedOver.values()]
      .flat()
      .map(({ address, why }) => `\`${address}\` was skipped: ${why}`);
    return { ...found, warnings: [...before, ...found.warnings] };
  } catch (error) {
    throw error instanceof FetchError ? failureOf(search, error) : error;
  }
}

type Answer =
  FoundIndex | UnchangedIndex | { readonly kind: 'untrusted'; readonly why: string } | { readonly kind: 'missing' };

async function searchSite(
  site: Site,
  places: readonly (readonly IndexPath[])[],
  search: Search,
): Promise<FoundIndex | UnchangedIndex> {
  const passedOver: PassedOver[] = [];
  const errors: FetchError[] = [];
  search.passedOver.set(site, passedOver);
  for (const forms of places) {
    for (const at of forms) {
      try {
        const answer = await tryForm(site, at, search);
        if (answer.kind === 'found' || answer.kind === 'unchanged') return answer;
        if (answer.kind === 'untrusted')
          passedOver.push({ address: addressOf(site.name, at.path), why: answer.why, kind: 'untrusted' });
      } catch (error) {
        if (!(error instanceof FetchError) || search.signal?.aborted === true) throw error;
        const isSiteDown = SITE_DOWN.has(error.kind);
        passedOver.push({ address: isSiteDown ? site.name : error.url, why: error.why, kind: 'failed' });
        if (isSiteDown) throw error;
        errors.push(error);
      }
    }
    if (passedOver.length > 0) break;
  }
  // A transient failure is retried at this site.
  const passing = errors.find(({ isTransient }) => isTransient);
  if (passing !== undefined) throw passing;
  if (passedOver.some(({ kind }) => kind === 'untrusted'))
    throw new UntrustedIndex('its index has no valid signature of a trusted key');
  const [error = new FetchError('missing', site.name, `it has no index for ${search.arch}`)] = errors;
  if (passedOver.length === 0) passedOver.push({ address: site.name, why: error.why, kind: 'missing' });
  throw error;
}

/** Makes the retry loop continue with the next site. */
class UntrustedIndex extends Error {
  readonly isSiteFault = true;
}

async function tryForm(site: Site, { path, form }: IndexPath, search: Search): Promise<Answer> {
  const { known, unsigned, maxIndexBytes, maxSignatureBytes } = search;
  const signature = unsigned ? undefined : await openUnlessMissing(site, `${path}.sig`, search);
  const signatureBytes = signature && (await readLimited(signature.chunks, maxSignatureBytes));
  const unlessIs = known?.site === site.name && known.path === path ? known.validator : undefined;
  const download = await openUnlessMissing(site, path, search, unlessIs);
  if (download === undefined) return { kind: 'missing' };
  if (download.kind === 'unchanged') return { kind: 'unchanged', site, path, warnings: [] };
  const lacksSignature = !unsigned && signatureBytes === undefined;
  const bytes = await readLimited(download.chunks, lacksSignature ? 0 : maxIndexBytes);
  if (lacksSignature)
    return {
      kind: 'untrusted',
      why:
        signature === undefined ? 'it has no signature file' : `its signature has more than ${maxSignatureBytes} bytes`,
    };
  if (bytes === undefined) return { kind: 'untrusted', why: `it has more than ${maxIndexBytes} bytes` };
  const found = { kind: 'found', site, path, form, bytes, validator: download.validator } as const;
  if (signatureBytes === undefined)
    return { ...found, signature: undefined, signer: 'unsigned', warnings: [unsignedText(addressOf(site.name, path))] };
  const answer = await search.verify(bytes, signatureBytes);
  if (answer.kind === 'refused') return { kind: 'untrusted', why: answer.message };
  const warnings = answer.warnings.map((warning) => `\`${addressOf(site.name, path)}\`: ${warning}`);
  return { ...found, signature: signatureBytes, signer: answer.fingerprint, warnings };
}

async function openUnlessMissing(
  site: Site,
  path: string,
  { signal }: Search,
  unlessIs?: string,
): Promise<Download | undefined> {
  try {
    return await site.open(path, {
      ...(signal !== undefined && { signal }),
      ...(unlessIs !== undefined && { unlessIs }),
    });
  } catch (error) {
    if (error instanceof FetchError && error.kind === 'missing') return undefined;
    throw error;
  }
}

function failureOf({ arch, passedOver }: Search, error: FetchError): CygstrapError {
  const all = [...passedOver.values()].flat();
  const details = { arch, passedOver: all };
  const listing = all.map(({ address, why }) => `\n  - \`${address}\`: ${why}`).join('');
  if (all.some(({ kind }) => kind === 'untrusted')) {
    return new CygstrapError('signature', `no index for ${arch} has a valid signature of a trusted key${listing}`, {
      hint: 'try another site, or trust its key with `--keyring FILE`; `--unsigned` accepts an unsigned index',
      details,
    });
  }
  if (all.length === 0 || all.some(({ kind }) => kind === 'failed')) return error;
  return new CygstrapError('not-found', `no site has an index for ${arch}${listing}`, {
    hint:
      `a site is the directory that contains \`${arch}` +
      `/\`${arch === 'x86' ? '' : '; indexes before 2013 need `--arch x86`'}`,
    details,
  });
}

function unsignedText(address: string): string {
  return `\`${address}\` is UNSIGNED and was not verified`;
}

/** Returns the address of a file of a site, for display. */
export function addressOf(siteName: string, path: string): string {
  return `${siteName.replace(/\/?$/, '/')}${path}`;
}
