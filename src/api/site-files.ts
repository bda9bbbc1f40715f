import type { CatalogVersion } from '../core/catalog/versions.ts';
import { CygstrapError } from '../errors.ts';
import type { ArchiveMember, MemberList } from '../input/archive-members.ts';
import { readLimited } from '../io/read-limited.ts';
import { FetchError } from '../site/base/fetch-error.ts';
import {
  LONGEST_LIST_BYTES,
  SEARCH_PATH,
  listingPath,
  parseListing,
  parseSearch,
  searchQuery,
} from '../site/listings.ts';
import type { SiteSet } from '../site/site-set.ts';
import type { SiteContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { absent, listed, selected } from './file-results.ts';
import type { FileSearchResult, FilesResult } from './file-results.ts';
import { FileMatches } from './file-matches.ts';
import { grepExpression, isGlob } from './file-pattern.ts';
import { forEach } from './for-each.ts';
import type { LoadedCatalog } from './load-catalog.ts';
import { openGroup } from './load-from-sites.ts';

/** Most lists that a search reads. */
const MOST_LISTS = 60;

/** Lists that are requested at a time. */
const REQUESTS = 4;

/** Fewest characters of a glob, besides `*`, `?` and `[...]`: nearly every list has a match for less. */
const FEWEST_CHARS = 3;

export interface SiteFilesRequest {
  /** NAME for the current version, or NAME=VERSION. */
  readonly package: string;
  /** Whether the files of the source archive are listed. Default: false. */
  readonly source?: boolean | undefined;
  /** Address of the site with the lists. Default: https://cygwin.com/. */
  readonly listingSite?: string | undefined;
}

/** Lists the files of a package of an index from the list that a site publishes. The list is not signed. Throws `fetch`
 *  if the site fails, `corrupt` for a page that is no list, and `limit`. */
export async function listSiteFiles(
  loaded: LoadedCatalog,
  { package: item, source = false, listingSite = DEFAULTS.listingSite }: SiteFilesRequest,
  context: SiteContext = {},
): Promise<FilesResult> {
  const chosen = await selected(loaded.catalog, item, source, context);
  if (chosen instanceof CygstrapError) return { kind: 'absent', error: chosen };
  const { name, version, archive } = chosen;
  return withSite(listingSite, context, async (site) => {
    const path = listingPath(archive.path, chosen);
    const members = await listAt(site, path, context);
    if (members === undefined)
      return absent(
        `${siteName(site)} has no list of the files of \`${name}\` ${version}`,
        `run \`cygstrap fetch ${item} --repo DIR\`, and name the repo with \`--repo DIR\``,
      );
    const from = `${siteName(site)}${path}`;
    return { kind: 'files', indexes: loaded.indexes, name, version, archive, from, files: members.map(listed) };
  });
}

export interface SiteSearchRequest {
  /** A path, a name or a glob; see `pathTest`. */
  readonly pattern: string;
  /** Address of the site with the lists. Default: https://cygwin.com/. */
  readonly listingSite?: string | undefined;
}

/** Finds the files of the current versions of all packages of an index that match a pattern: the site searches its
 *  lists of files, and the lists it finds are read. They are not signed. Throws `usage` for an invalid or too short
 *  pattern, `limit` if too many lists or files match, `fetch` if the site fails, and `corrupt` for an answer of another
 *  form to the search. */
export async function findSiteFiles(
  { catalog, indexes }: LoadedCatalog,
  { pattern, listingSite = DEFAULTS.listingSite }: SiteSearchRequest,
  context: SiteContext = {},
): Promise<FileSearchResult> {
  const found = await FileMatches.of(pattern);
  if (isGlob(pattern) && pattern.replaceAll(/\[[^\]]*\]|[*?/.]/g, '').length < FEWEST_CHARS)
    throw new CygstrapError('usage', `too short for a search at a site: \`${pattern}\``, {
      hint: `give at least ${FEWEST_CHARS} letters of the name, or search a repo with \`--repo\``,
    });
  const versions = new Map<string, CatalogVersion>(
    [...catalog.packages.values()].flatMap((pkg) => {
      const version = catalog.current(pkg);
      return version === undefined ? [] : [[`${pkg.name}-${version.version}`, version] as const];
    }),
  );
  return withSite(listingSite, context, async (site) => {
    const arch = indexes[0]?.arch ?? DEFAULTS.arch;
    const names = await searchAt(site, searchQuery(arch, grepExpression(pattern)), context);
    const candidates = [...names].flatMap((each) => versions.get(each) ?? []);
    if (candidates.length > MOST_LISTS)
      throw new CygstrapError('limit', `\`${pattern}\` may match files of ${candidates.length} packages`, {
        hint: `give more of the path, or search a repo with \`--repo\`: at most ${MOST_LISTS} lists are read`,
      });
    await forEach(candidates, REQUESTS, context.signal, async (version) => {
      const list = await listFor(site, version, context);
      if ('members' in list) found.search(version, list.members);
      else found.skip(version, list.why);
    });
    return { indexes, from: siteName(site), ...found.result() };
  });
}

/** Reads the list of a version, or why it cannot be read. Throws `fetch`. */
async function listFor(
  site: SiteSet,
  { name, version, archive }: CatalogVersion,
  context: SiteContext,
): Promise<MemberList> {
  try {
    const members = await listAt(site, listingPath(archive.path, { name, version }), context);
    return members === undefined ? { why: `${siteName(site)} has no list of its files` } : { members };
  } catch (error) {
    if (error instanceof CygstrapError && ['corrupt', 'limit'].includes(error.code)) return { why: error.message };
    throw error;
  }
}

async function withSite<T>(address: string, context: SiteContext, use: (site: SiteSet) => Promise<T>): Promise<T> {
  const site = openGroup([address], context);
  try {
    return await use(site);
  } finally {
    await site.close();
  }
}

function siteName({ sites }: SiteSet): string {
  return (sites[0]?.name ?? '').replace(/\/?$/, '/');
}

/** Reads the list at a path; undefined if the site has none. */
async function listAt(
  site: SiteSet,
  path: string,
  context: SiteContext,
): Promise<readonly ArchiveMember[] | undefined> {
  const page = await textAt(site, path, { isPage: true }, context).catch((error: unknown) => {
    if (error instanceof FetchError && error.kind === 'missing') return undefined;
    throw error;
  });
  if (page === undefined) return undefined;
  const members = parseListing(page);
  if (members !== undefined) return members;
  throw new CygstrapError('corrupt', `\`${siteName(site)}${path}\` is not a list of files`, { hint: REPO_HINT });
}

async function searchAt(site: SiteSet, query: string, context: SiteContext): Promise<ReadonlySet<string>> {
  const answer = await textAt(site, SEARCH_PATH, { query }, context).catch((error: unknown) => {
    if (!(error instanceof FetchError && error.kind === 'missing')) throw error;
    throw new CygstrapError('fetch', `${siteName(site)} has no search in lists of files`, {
      hint: REPO_HINT,
      cause: error,
    });
  });
  const found = parseSearch(answer);
  if (found !== undefined) return found;
  throw new CygstrapError(
    'corrupt',
    `\`${siteName(site)}${SEARCH_PATH}\` does not answer as a search in lists of files`,
    { hint: REPO_HINT },
  );
}

const REPO_HINT = 'search the archives of a repo with `--repo`, or use another `--listing-site`';

async function textAt(
  site: SiteSet,
  path: string,
  options: { readonly isPage?: boolean; readonly query?: string },
  { signal }: SiteContext,
): Promise<string> {
  const abort = signal === undefined ? {} : { signal };
  return site.attempt(
    path,
    async (one) => {
      const bytes = await readLimited((await one.open(path, { ...options, ...abort })).chunks, LONGEST_LIST_BYTES);
      if (bytes === undefined)
        throw new CygstrapError('limit', `\`${path}\` of ${one.name} has more than ${LONGEST_LIST_BYTES} bytes`);
      return Buffer.from(bytes).toString();
    },
    abort,
  );
}
