import { newerThan } from '../core/lock/newest.ts';
import type { NewestIndex } from '../core/lock/newest.ts';
import type { IndexForm } from '../core/setup-ini/forms.ts';
import { isWebPage } from '../input/web-page.ts';
import { readLimited } from '../io/read-limited.ts';
import { FetchError, webPageInstead, type FetchErrorKind } from './base/fetch-error.ts';
import { addressOf, discoveryError, type PassedOver, type PassedOverKind } from './index-failure.ts';
import { readHead, timeText, type IndexHead } from './index-head.ts';
import { indexPlaces, type IndexPath } from './index-layout.ts';
import type { SiteSet } from './site-set.ts';
import { encodingText } from './base/site.ts';
import type { Download, Site } from './base/site.ts';

/** The key that made a signature, or why it is not valid: a phrase to follow `FILE: `. */
export type SignatureAnswer =
  | { readonly kind: 'verified'; readonly fingerprint: string; readonly warnings: readonly string[] }
  /** `no-trusted-key`: every signature is by a key that is not trusted. */
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string };

/** The indexes that are accepted from a site. */
export interface SiteTrust {
  readonly verify: (bytes: Uint8Array, signature: Uint8Array) => Promise<SignatureAnswer>;
  /** Also accepts an index without a signature, and one that only keys signed that are not trusted. A signature of a
   *  trusted key must be valid in any case. Only on the explicit request of the user. */
  readonly unsigned: boolean;
}

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
  readonly isSigned: boolean;
}

export interface FindIndexOptions {
  /** Name of the directory on the site: `x86_64`, `x86`, `aarch64`. */
  readonly arch: string;
  /** Default `setup`. */
  readonly basename?: string;
  readonly trustOf: (site: Site) => SiteTrust;
  /** An index that is older than the newest one known of its signer is rejected. Default: accepts every time. */
  readonly newest?: readonly NewestIndex[];
  /** The site does not send it again if it has not changed. */
  readonly known?: KnownIndex;
  readonly limits?: Partial<IndexLimits>;
  /** Called when a site begins to send an index that may be accepted; it is verified afterwards. */
  readonly onSending?: ((site: Site) => void) | undefined;
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
  readonly head: IndexHead;
  /** For `known` of the next call. */
  readonly validator: string | undefined;
}

/** The site has the known index unchanged; it was neither sent nor verified again. */
export interface UnchangedIndex extends Place {
  readonly kind: 'unchanged';
}

interface Search extends FindIndexOptions, IndexLimits {
  readonly passedOver: Map<Site, PassedOver[]>;
}

/** Largest index without a valid signature that is read to see whether it is a web page. */
const MAX_PAGE_BYTES = 64 * 1024;

/** After these failures, other files of the site would fail too. */
const SITE_DOWN: ReadonlySet<FetchErrorKind> = new Set(['connect', 'tls', 'timeout']);

/** Finds the index of an architecture: for each site the forms in the order of setup (zst, xz, bz2, ini), each with
 *  its `.sig`. Setup gives up a site at the first form without a valid signature; this function tries the next form
 *  and then the next site. A form that is older than the newest index known of its signer ends the search of its site:
 *  setup would use it. Throws `signature` with a list of all forms if none has a valid signature, `older-index` if the
 *  valid ones are older, `not-found` if no site has an index, FetchError if no site responds, and the reason of the
 *  signal. */
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
    if (!(error instanceof FetchError)) throw error;
    throw discoveryError(arch, [...search.passedOver.values()].flat(), error);
  }
}

type Answer =
  | FoundIndex
  | UnchangedIndex
  | { readonly kind: Exclude<PassedOverKind, 'failed' | 'missing'>; readonly why: string }
  | { readonly kind: 'missing' };

async function searchSite(
  site: Site,
  places: readonly (readonly IndexPath[])[],
  search: Search,
): Promise<FoundIndex | UnchangedIndex> {
  const passedOver: PassedOver[] = [];
  const errors: FetchError[] = [];
  const trust = search.trustOf(site);
  search.passedOver.set(site, passedOver);
  search: for (const forms of places) {
    for (const at of forms) {
      try {
        // A form with an invalid signature shows that the site signs its index.
        const unsigned = trust.unsigned && !passedOver.some(({ kind }) => kind === 'invalid');
        const answer = await tryForm(site, at, { ...search, ...trust, unsigned });
        if (answer.kind === 'found' || answer.kind === 'unchanged') return answer;
        if (answer.kind !== 'missing')
          passedOver.push({ address: addressOf(site.name, at.path), why: answer.why, kind: answer.kind });
        if (answer.kind === 'older') break search;
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
  if (passedOver.some(({ kind }) => kind === 'older'))
    throw new RejectedIndex('its index is older than one that was used before');
  if (passedOver.some(({ kind }) => kind !== 'failed'))
    throw new RejectedIndex('its index has no valid signature of a trusted key');
  const [error = new FetchError('missing', site.name, `it has no index for ${search.arch}`)] = errors;
  if (passedOver.length === 0) passedOver.push({ address: site.name, why: error.why, kind: 'missing' });
  throw error;
}

/** Makes the retry loop continue with the next site. */
class RejectedIndex extends Error {
  readonly isSiteFault = true;
}

async function tryForm(site: Site, { path, form }: IndexPath, search: Search & SiteTrust): Promise<Answer> {
  const { known, newest = [], unsigned, maxIndexBytes, onSending, signal } = search;
  const isKnown = known?.site === site.name && known.path === path;
  // The site may have signed a known unsigned index since: then it must be sent again.
  const isUnsure = isKnown && !known.isSigned;
  const requested = readSignature(site, `${path}.sig`, search);
  const isWorthAsking = isKnown && (!isUnsure || !((await requested) instanceof Uint8Array));
  const [signature, download] = await both(
    requested,
    openUnlessMissing(site, path, search, isWorthAsking ? known.validator : undefined),
  );
  if (download === undefined) return { kind: 'missing' };
  if (download.kind === 'unchanged') return { kind: 'unchanged', site, path, warnings: [] };
  const isRefused = 'kind' in signature && (signature.kind === 'invalid' || !unsigned);
  if (!isRefused) onSending?.(site);
  const bytes = await readLimited(download.chunks, isRefused ? MAX_PAGE_BYTES : maxIndexBytes);
  const address = addressOf(site.name, path);
  if (bytes === undefined)
    return isRefused ? signature : { kind: 'invalid', why: `it has more than ${maxIndexBytes} bytes` };
  const signed = isRefused ? signature : await signerOf(bytes, signature, address, search);
  const isVerified = 'signer' in signed && signed.signature !== undefined;
  if (!isVerified && (await isWebPage(bytes))) throw webPageInstead(address);
  if (isRefused) return signature;
  if ('kind' in signed) return { ...signed, why: signed.why + encodingText(download.contentEncoding) };
  const head = await readHead(bytes, signal);
  const newer = newerThan({ ...head, signer: signed.signer, site: site.name }, newest);
  if (newer !== undefined) {
    const made = head.timestamp === null ? 'has no timestamp' : `is from ${timeText(head.timestamp)}`;
    return { kind: 'older', why: `it ${made}; the newest index known of its signer is from ${timeText(newer)}` };
  }
  return { kind: 'found', site, path, form, bytes, validator: download.validator, head, ...signed };
}

/** Waits for a signature and for the response with its index. If only the signature fails, the index is not read. */
async function both<T>(
  signature: Promise<T>,
  index: Promise<Download | undefined>,
): Promise<[signature: T, index: Download | undefined]> {
  const [one, other] = await Promise.allSettled([signature, index]);
  if (one.status === 'rejected') {
    if (other.status === 'fulfilled' && other.value !== undefined) await readLimited(other.value.chunks, 0);
    throw one.reason;
  }
  if (other.status === 'rejected') throw other.reason;
  return [one.value, other.value];
}

/** A signature that cannot be verified: the file is missing, or too large. */
interface NoSignature {
  readonly kind: 'unsigned' | 'invalid';
  readonly why: string;
}

async function readSignature(site: Site, path: string, search: Search): Promise<Uint8Array | NoSignature> {
  const { maxSignatureBytes } = search;
  try {
    const download = await openUnlessMissing(site, path, search);
    if (download === undefined) return { kind: 'unsigned', why: 'it has no signature file' };
    const bytes = await readLimited(download.chunks, maxSignatureBytes);
    return bytes ?? { kind: 'invalid', why: `its signature has more than ${maxSignatureBytes} bytes` };
  } catch (error) {
    // Some sites send a page for every name that does not exist.
    if (error instanceof FetchError && error.kind === 'html')
      return { kind: 'unsigned', why: 'the site sent a web page instead of its signature' };
    throw error;
  }
}

/** Returns the signer of an index, or why it is not accepted. */
async function signerOf(
  bytes: Uint8Array,
  signature: Uint8Array | NoSignature,
  address: string,
  { verify, unsigned }: SiteTrust,
): Promise<Pick<FoundIndex, 'signature' | 'signer' | 'warnings'> | Extract<Answer, { readonly why: string }>> {
  const asUnsigned = (why: string) => ({
    signature: undefined,
    signer: 'unsigned',
    warnings: [`\`${address}\` is UNSIGNED and was not verified: ${why}`],
  });
  if (!(signature instanceof Uint8Array)) return asUnsigned(signature.why);
  const answer = await verify(bytes, signature);
  if (answer.kind === 'verified')
    return {
      signature,
      signer: answer.fingerprint,
      warnings: answer.warnings.map((warning) => `\`${address}\`: ${warning}`),
    };
  const { reason, message: why } = answer;
  if (reason !== 'no-trusted-key') return { kind: 'invalid', why };
  return unsigned ? asUnsigned(why) : { kind: 'foreign-key', why };
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
