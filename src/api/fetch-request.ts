import type { SiteEntry } from '../core/config/config.ts';
import type { ResolveRequest } from '../core/resolve/plan.ts';
import { EMPTY_REQUEST } from '../core/resolve/request.ts';
import type { Report } from '../events.ts';
import type { RepoLayout } from '../repo/files/layout.ts';
import type { SiteOptions } from '../site/open-site.ts';
import { DEFAULTS } from './defaults.ts';
import type { LoadOptions } from './load-catalog.ts';
import { packageVersion } from './version.ts';

export interface FetchRequest {
  /** Directory of the repo. */
  readonly repo: string;
  /** Sites with the same content, in order of preference; after them groups of other sites, each with its own index. */
  readonly sites: readonly (readonly SiteEntry[])[];
  /** What to install; it must match the lock. By default the request of the lock. */
  readonly request?: Partial<ResolveRequest> | undefined;
  /** By default that of the lock, or x86_64. */
  readonly arch?: string | undefined;
  /** By default `flat`. */
  readonly layout?: RepoLayout['kind'];
  /** Files and directories of OpenPGP keys to trust besides the built-in ones, for every site without `keys` of its
   *  own. */
  readonly keyring?: readonly string[];
  /** Accepts an unsigned index of the only group of sites. */
  readonly unsigned?: boolean;
  /** Accepts an index that is older than one of the same signer that the lock or the repo knows. */
  readonly allowOlderIndex?: boolean;
  /** The lock file; by default `cygstrap.lock.json`. */
  readonly lock?: string;
  /** Fetches the files of the lock, and reads no index from a site. */
  readonly frozen?: boolean;
  /** Fetches every package of the index, without a lock. */
  readonly all?: boolean;
  /** Also fetches this number of previous versions of each package. */
  readonly prev?: number | undefined;
  /** Publishes the index of the site with its signature, instead of an index of the files of the repo. */
  readonly fullIndex?: boolean;
  /** File of a private key to sign the index with, and its passphrase. */
  readonly signKey?: string | undefined;
  readonly passphrase?: string | undefined;
  /** Also fetches the setup program, from this site. */
  readonly installerSite?: string | undefined;
  /** Conflicts between packages after which the solver gives up; by default 20,000. */
  readonly solverLimit?: number | undefined;
  /** Accepts archives for which the index gives no digest. */
  readonly allowUndigested?: boolean;
  /** Transfers at a time; by default 16. */
  readonly jobs?: number;
  /** Only computes what is missing. */
  readonly dryRun?: boolean;
}

export interface FetchContext {
  /** Written into a new lock; by default `cygstrap VERSION`. */
  readonly resolver?: string;
  readonly siteOptions?: Partial<SiteOptions>;
  readonly load?: LoadOptions;
  /** Directory in which repos share their archives; by default none. */
  readonly archiveCache?: string | undefined;
  /** Current time, for the age of an index. */
  readonly now?: () => Date;
  readonly report?: Report;
  readonly signal?: AbortSignal;
}

/** A request with all defaults set. */
export type CompleteRequest = Required<Omit<FetchRequest, 'request'>> & {
  readonly request: ResolveRequest | undefined;
};
export type CompleteContext = Required<FetchContext>;

/** Sets the defaults of a request. */
export function completeRequest({ request, ...given }: FetchRequest): CompleteRequest {
  return {
    arch: undefined,
    layout: DEFAULTS.layout,
    keyring: [],
    unsigned: false,
    allowOlderIndex: false,
    lock: DEFAULTS.lock,
    frozen: false,
    all: false,
    prev: undefined,
    fullIndex: false,
    signKey: undefined,
    passphrase: undefined,
    installerSite: undefined,
    solverLimit: undefined,
    allowUndigested: false,
    jobs: DEFAULTS.jobs,
    dryRun: false,
    ...given,
    request: request && { ...EMPTY_REQUEST, ...request },
  };
}

/** Sets the defaults of a context. */
export function completeContext(context: FetchContext): CompleteContext {
  return {
    resolver: `cygstrap ${packageVersion()}`,
    siteOptions: {},
    load: {},
    archiveCache: undefined,
    now: () => new Date(),
    report: () => {},
    signal: new AbortController().signal,
    ...context,
  };
}
