import pLimit from 'p-limit';
import { CygstrapError } from '../errors.ts';
import { readLimited } from '../io/read-limited.ts';
import { FetchError } from '../site/base/fetch-error.ts';
import { measureSite } from '../site/measure.ts';
import type { Measurement } from '../site/measure.ts';
import { parseMirrorList } from '../site/mirror-list.ts';
import type { MirrorEntry, MirrorList, MirrorListFault } from '../site/mirror-list.ts';
import { openSite } from '../site/open-site.ts';
import type { SiteOptions } from '../site/open-site.ts';
import { SiteSet } from '../site/site-set.ts';
import { readTextFile } from '../io/text-file.ts';
import { connectionsOf } from './context.ts';
import type { SiteContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { userAgent } from './version.ts';

/** Bound of a mirror list; real lists have a few kilobytes. */
const LONGEST_LIST_BYTES = 4 * 1024 * 1024;

/** Mirrors measured concurrently. More would measure the connection of this host. */
const MEASURED_AT_ONCE = 4;

export interface SitesQuery {
  /** URL or file name of a list; by default Cygwin's own list. */
  readonly list?: string | undefined;
  /** Names of regions or countries; case is ignored. By default all. */
  readonly regions?: readonly string[] | undefined;
  /** File of each mirror to measure with; without it no mirror is measured. */
  readonly benchmarkPath?: string | undefined;
}

export interface SitesContext extends SiteContext {
  /** Timeout per mirror in milliseconds. Default: 10,000. */
  readonly measureTimeoutMs?: number | undefined;
}

type CompleteOptions = Pick<SitesContext, 'report' | 'signal' | 'measureTimeoutMs'> & SiteOptions;

/** A mirror and its result: `measured` or `why` after a benchmark, neither without one. */
export interface ListedSite extends Omit<MirrorEntry, 'isOffered'> {
  readonly measured?: Measurement;
  readonly why?: string;
}

export interface SitesResult {
  readonly list: string;
  /** In the order of the list; after a benchmark sorted by speed, failed mirrors last. */
  readonly sites: readonly ListedSite[];
  /** Number of mirrors that are not listed: hidden by setup, or neither http nor https. */
  readonly leftOut: number;
  /** Every region of the list, sorted. */
  readonly regions: readonly string[];
  readonly faults: readonly MirrorListFault[];
}

/** Lists the mirrors of a mirrors.lst, and measures them if requested; a mirror that fails is a result. Throws
 *  FetchError or `io`, `not-found` for a missing list, `parse` for one without any mirror. */
export async function listSites(
  { list = DEFAULTS.mirrorList, regions = [], benchmarkPath }: SitesQuery = {},
  context: SitesContext = {},
): Promise<SitesResult> {
  const { report, signal, measureTimeoutMs } = context;
  const options = { userAgent: userAgent(), ...connectionsOf(context), report, signal, measureTimeoutMs };
  const { mirrors, faults } = await readList(list, options);
  const wanted = new Set(regions.map((name) => name.toLowerCase()));
  const matching = mirrors.filter(
    ({ region, country }) => wanted.size === 0 || wanted.has(region.toLowerCase()) || wanted.has(country.toLowerCase()),
  );
  const usable = matching.filter(({ url, isOffered }) => isOffered && /^https?:/i.test(url));
  const sites: ListedSite[] = usable.map(({ url, host, region, country }) => ({ url, host, region, country }));
  return {
    list,
    sites: benchmarkPath === undefined ? sites : await benchmark(sites, benchmarkPath, options),
    leftOut: matching.length - usable.length,
    regions: [...new Set(mirrors.map(({ region }) => region))].filter((region) => region !== '').sort(),
    faults,
  };
}

async function readList(list: string, options: CompleteOptions): Promise<MirrorList> {
  const text = /^https?:\/\//i.test(list) ? await fetchText(list, options) : await readTextFile(list, 'parse');
  if (text === undefined) throw new CygstrapError('not-found', `no such mirror list: \`${list}\``);
  const parsed = parseMirrorList(text);
  if (parsed.mirrors.length > 0) return parsed;
  const [fault] = parsed.faults;
  const why = fault === undefined ? '' : `, and line ${fault.line} is ${fault.message}`;
  throw new CygstrapError('parse', `no mirror in \`${list}\`${why}`, {
    hint: 'each line of a mirrors.lst must be `url;host;region;country`',
  });
}

async function fetchText(list: string, options: CompleteOptions): Promise<string> {
  if (!URL.canParse(list)) throw new CygstrapError('usage', `not a URL: \`${list}\``);
  const url = new URL(list);
  const path = decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf('/') + 1));
  const sites = new SiteSet(
    [openSite(new URL('.', url).href, options)],
    options.report === undefined ? {} : { report: options.report },
  );
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  try {
    return await sites.attempt(
      path,
      async (site) => {
        const bytes = await readLimited((await site.open(path, signal)).chunks, LONGEST_LIST_BYTES);
        if (bytes === undefined)
          throw new CygstrapError('limit', `the mirror list is longer than ${LONGEST_LIST_BYTES} bytes: \`${list}\``);
        return Buffer.from(bytes).toString();
      },
      signal,
    );
  } finally {
    await sites.close();
  }
}

async function benchmark(listed: readonly ListedSite[], path: string, options: CompleteOptions): Promise<ListedSite[]> {
  const limit = pLimit(MEASURED_AT_ONCE);
  const measured = await Promise.all(listed.map((site) => limit(() => measure(site, path, options))));
  options.signal?.throwIfAborted();
  return measured.sort((a, b) => (b.measured?.rateBytesPerSecond ?? -1) - (a.measured?.rateBytesPerSecond ?? -1));
}

async function measure(listed: ListedSite, path: string, options: CompleteOptions): Promise<ListedSite> {
  const { signal, measureTimeoutMs } = options;
  if (signal?.aborted === true) return listed;
  const site = openSite(listed.url, options);
  try {
    const measured = await measureSite(site, path, {
      ...(signal !== undefined && { signal }),
      ...(measureTimeoutMs !== undefined && { timeoutMs: measureTimeoutMs }),
    });
    return { ...listed, measured };
  } catch (error) {
    if (error instanceof FetchError) return { ...listed, why: error.why };
    if (signal !== undefined && signal.aborted) return listed;
    throw error;
  } finally {
    await site.close();
  }
}
