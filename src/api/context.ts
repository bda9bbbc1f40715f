import { join } from 'node:path';
import type { Report } from '../events.ts';
import { userCacheDirectory } from '../io/user-dirs.ts';
import type { SiteOptions } from '../site/open-site.ts';

/** Environment variables, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How an operation runs. Every field has a default. */
export interface OperationContext {
  /** Variables of the system: proxies, directories of the user, PATH. Default: `process.env`. */
  readonly env?: Environment | undefined;
  /** Directory of cached indexes, archives and images; null: no cache. Default: `cygstrap` in the user's cache
   *  directory. */
  readonly cacheDirectory?: string | null | undefined;
  /** Receives events. Default: they are dropped. */
  readonly report?: Report | undefined;
  /** When it is aborted, the operation rejects with its reason. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** How an operation runs that reads indexes. */
export interface ReadingContext extends OperationContext {
  /** Skip what setup rejects in an index, with a warning, instead of throwing. Default: false. */
  readonly lenient?: boolean | undefined;
}

/** How an operation runs that connects to sites. */
export interface SiteContext extends ReadingContext {
  /** Options of the connections; the proxies are in `env`. */
  readonly siteOptions?: Partial<Omit<SiteOptions, 'env'>> | undefined;
  /** Current time, for the age of an index. Default: the clock of the system. */
  readonly now?: (() => Date) | undefined;
}

/** What the cache of a user has, by directory. */
type CacheName = 'archives' | 'images' | 'index' | 'lists' | 'sites';

/** Returns a directory of the cache; undefined without a cache.
 *  @param name `archives`: files that repos share; `images`: digests of ISO images; `index`: decompressed indexes;
 *    `lists`: names of the files of archives; `sites`: indexes of remote sites */
export function cacheDirectoryOf(context: OperationContext, name: CacheName): string | undefined {
  const root = cacheRootOf(context);
  return root === undefined ? undefined : join(root, name);
}

/** Returns the directory of the cache; undefined without a cache. */
export function cacheRootOf({ env = process.env, cacheDirectory }: OperationContext): string | undefined {
  return cacheDirectory === null ? undefined : (cacheDirectory ?? userCacheDirectory(env));
}

/** Returns the options of connections of a context. */
export function connectionsOf({ env = process.env, siteOptions = {} }: SiteContext): Partial<SiteOptions> {
  return { ...siteOptions, env };
}
