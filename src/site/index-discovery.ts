import { CygstrapError } from '../errors.ts';
import { readLimited } from '../io/read-limited.ts';
import type { IndexForm } from '../core/setup-ini/forms.ts';
import { FetchError, type FetchErrorKind } from './base/fetch-error.ts';
import { indexPlaces, type IndexPath } from './index-layout.ts';
import type { SiteSet } from './site-set.ts';
import type { Download, Site } from './base/site.ts';

/** What a signature proves: the key that made it, or why it proves nothing (a sentence that goes after `FILE: `). */
export type SignatureAnswer =
  | { readonly kind: 'verified'; readonly fingerprint: string; readonly warnings: readonly string[] }
  | { readonly kind: 'refused'; readonly message: string };

export interface IndexLimits {
  /** Most bytes of an index as it is sent. */
  readonly maxIndexBytes: number;
  readonly maxSignatureBytes: number;
}

export const INDEX_LIMITS: IndexLimits = { maxIndexBytes: 64 * 1024 * 1024, maxSignatureBytes: 64 * 1024 };

/** An index that was found before. */
export interface KnownIndex {
  /** The site's `name`. */
  readonly site: string;
  readonly path: string;
  readonly validator: string;
}

export interface FindIndexOptions {
  /** `x86_64`, `x86`, `aarch64`: the directory on the site. */
  readonly arch: string;
  /** Default `setup`. */
  readonly basename?: string;
  readonly verify: (bytes: Uint8Array, signature: Uint8Array) => Promise<SignatureAnswer>;
  /** Asks for no signature and takes what comes first. Must be the user's explicit word. */
  readonly unsigned: boolean;
  /** Not sent again if its site still has it in the same state. */
  readonly known?: KnownIndex;
  readonly limits?: Partial<IndexLimits>;
  readonly signal?: AbortSignal;
}

interface Place {
  readonly site: Site;
  /** Relative to the site. */
  readonly path: string;
  /** What was passed over before, and what is odd about this one; sentences for the user. */
  readonly warnings: readonly string[];
}

export interface FoundIndex extends Place {
  readonly kind: 'found';
  /** As sent, compressed or not. */
  readonly bytes: Uint8Array;
  readonly form: IndexForm;
  /** Over `bytes`; undefined if unsigned. */
  readonly signature: Uint8Array | undefined;
  /** Fingerprint of the key, 40 hexadecimal digits, or `unsigned`. */
  readonly signer: string;
  /** For the next `known`. */
  readonly validator: string | undefined;
}

/** The known index is what the site has, and was neither sent nor verified again. */
export interface UnchangedIndex extends Place {
  readonly kind: 'unchanged';
}

/** Why a form, or a whole site (`path` undefined), was passed over. */
interface PassedOver {
  readonly address: string;
  readonly why: string;
  /** `missing` only of a whole site. `untrusted`: it came, and nothing vouches for it. */
  readonly kind: 'missing' | 'failed' | 'untrusted';
}

interface Search extends FindIndexOptions, IndexLimits {
  readonly passedOver: Map<Site, PassedOver[]>;
}

/** After these other files of the site are as hopeless. */
const HOPELESS: ReadonlySet<FetchErrorKind> = new Set(['connect', 'tls', 'timeout']);

/** Finds the index of an architecture: on each site in the order of setup (zst, xz, bz2, ini), each form with its
 *  `.sig`. Unlike setup, which gives a site up at the first form without good signature, it goes on with the next form
 *  and then with the next site. The retries are those of the sites' one loop. Throws `signature` when something came
 *  and nothing verifies, which lists every form; `not-found` when no site has an index; FetchError when none could be
 *  asked; the signal's reason. */
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
      .map(({ address, why }) => `\`${address}\` is passed over: ${why}`);
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
          passedOver.push({ address: addressOf(site, at.path), why: answer.why, kind: 'untrusted' });
      } catch (error) {
        if (!(error instanceof FetchError) || search.signal?.aborted === true) throw error;
        const isHopeless = HOPELESS.has(error.kind);
        passedOver.push({ address: isHopeless ? site.name : error.url, why: error.why, kind: 'failed' });
        if (isHopeless) throw error;
        errors.push(error);
      }
    }
    if (passedOver.length > 0) break;
  }
  // What may pass is worth another attempt at this site.
  const passing = errors.find(({ mayPass }) => mayPass);
  if (passing !== undefined) throw passing;
  if (passedOver.some(({ kind }) => kind === 'untrusted'))
    throw new UntrustedIndex('its index has no signature of a trusted key');
  const [error = new FetchError('missing', site.name, `it has no index for ${search.arch}`)] = errors;
  if (passedOver.length === 0) passedOver.push({ address: site.name, why: error.why, kind: 'missing' });
  throw error;
}

/** Tells the loop of retries to go on with the next site. */
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
  const isVain = !unsigned && signatureBytes === undefined;
  const bytes = await readLimited(download.chunks, isVain ? 0 : maxIndexBytes);
  if (isVain)
    return {
      kind: 'untrusted',
      why:
        signature === undefined
          ? 'it has no signature beside it'
          : `its signature has more than ${maxSignatureBytes} bytes`,
    };
  if (bytes === undefined) return { kind: 'untrusted', why: `it has more than ${maxIndexBytes} bytes` };
  const found = { kind: 'found', site, path, form, bytes, validator: download.validator } as const;
  if (signatureBytes === undefined)
    return { ...found, signature: undefined, signer: 'unsigned', warnings: [unsignedText(addressOf(site, path))] };
  const answer = await search.verify(bytes, signatureBytes);
  if (answer.kind === 'refused') return { kind: 'untrusted', why: answer.message };
  const warnings = answer.warnings.map((warning) => `\`${addressOf(site, path)}\`: ${warning}`);
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
    return new CygstrapError('signature', `no index for ${arch} is signed by a trusted key${listing}`, {
      hint: 'trust the key of a site with `--keyring FILE`, or take an index that nobody vouches for with `--unsigned`',
      details,
    });
  }
  if (all.length === 0 || all.some(({ kind }) => kind === 'failed')) return error;
  return new CygstrapError('not-found', `no site has an index for ${arch}${listing}`, {
    hint:
      `a site is the directory that holds \`${arch}` +
      `/\`${arch === 'x86' ? '' : '; from before 2013 there is only `--arch x86`'}`,
    details,
  });
}

function unsignedText(address: string): string {
  return `\`${address}\` is taken UNSIGNED: nobody vouches for it, and whoever can change it decides what is installed`;
}

function addressOf(site: Site, path: string): string {
  return `${site.name.replace(/\/?$/, '/')}${path}`;
}
