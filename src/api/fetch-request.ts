import type { Layout, SiteEntry } from '../core/config/config.ts';
import type { ResolveRequest } from '../core/resolve/plan.ts';
import type { Report } from '../events.ts';
import type { SiteContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { requireJobs } from './jobs.ts';
import { requestIfAny } from './request-fields.ts';
import type { RequestFields } from './request-fields.ts';
import { groupsOf } from './site-groups.ts';
import type { SiteFields } from './site-groups.ts';

/** What to fetch. A request for packages must match the lock; without any field of one, that of the lock is used. */
export interface FetchRequest extends RequestFields, SiteFields {
  /** Directory of the repo. */
  readonly repo: string;
  /** Architecture; by default that of the lock, or x86_64. */
  readonly arch?: string | undefined;
  /** By default `flat`. */
  readonly layout?: Layout | undefined;
  /** Files and directories of OpenPGP keys to trust besides the built-in ones, for every site without `keys` of its
   *  own. */
  readonly keyring?: readonly string[] | undefined;
  /** Accepts an unsigned index of the only group of sites. Default: false. */
  readonly unsigned?: boolean | undefined;
  /** Accepts an index that is older than one of the same signer that the lock or the repo knows. Default: false. */
  readonly allowOlderIndex?: boolean | undefined;
  /** The lock file; by default `cygstrap.lock.json`. */
  readonly lock?: string | undefined;
  /** Fetches the files of the lock, and reads no index from a site. Default: false. */
  readonly frozen?: boolean | undefined;
  /** Uses no network: only directories, the indexes that earlier operations have kept, and the archives of other repos
   *  of this user. Default: false. */
  readonly offline?: boolean | undefined;
  /** Fetches every package of the index, without a lock. Default: false. */
  readonly all?: boolean | undefined;
  /** Also fetches this number of previous versions of each package. Default: none. */
  readonly prev?: number | undefined;
  /** Publishes the index of the site with its signature, instead of an index of the files of the repo. Default: false.
   *  */
  readonly fullIndex?: boolean | undefined;
  /** File of a private key to sign the index with, and its passphrase. Default: the index is not signed. */
  readonly signKey?: string | undefined;
  readonly passphrase?: string | undefined;
  /** Also fetches the setup program, from this site. Default: no setup program. */
  readonly installerSite?: string | undefined;
  /** Conflicts between packages after which the solver gives up; by default 20,000. */
  readonly solverLimit?: number | undefined;
  /** Accepts archives for which the index gives no digest. Default: false. */
  readonly allowUndigested?: boolean | undefined;
  /** Transfers at a time; by default 16. */
  readonly jobs?: number | undefined;
  /** Only computes what is missing. Default: false. */
  readonly dryRun?: boolean | undefined;
}

type Optional = Pick<FetchRequest, 'arch' | 'prev' | 'signKey' | 'passphrase' | 'installerSite' | 'solverLimit'>;
type Defaulted = Omit<FetchRequest, keyof RequestFields | keyof SiteFields | keyof Optional>;

/** A request with all defaults set. */
export type CompleteRequest = { readonly [K in keyof Defaulted]-?: Exclude<Defaulted[K], undefined> } & Optional & {
    /** The request for packages; undefined if none of its fields is set. */
    readonly request: ResolveRequest | undefined;
    /** Sites that have one index each. */
    readonly groups: readonly (readonly SiteEntry[])[];
  };

/** A context with the defaults that every step of a fetch uses. */
export interface CompleteContext extends SiteContext {
  readonly now: () => Date;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Sets the defaults of a request. Throws as {@link requireJobs}. */
export function completeRequest(given: FetchRequest): CompleteRequest {
  const { layout = DEFAULTS.layout, lock = DEFAULTS.lock, jobs = DEFAULTS.jobs, keyring = [] } = given;
  requireJobs(jobs);
  const { repo, arch, prev, signKey, passphrase, installerSite, solverLimit } = given;
  return {
    repo,
    layout,
    lock,
    jobs,
    keyring,
    arch,
    prev,
    signKey,
    passphrase,
    installerSite,
    solverLimit,
    unsigned: given.unsigned === true,
    allowOlderIndex: given.allowOlderIndex === true,
    frozen: given.frozen === true,
    offline: given.offline === true,
    all: given.all === true,
    fullIndex: given.fullIndex === true,
    allowUndigested: given.allowUndigested === true,
    dryRun: given.dryRun === true,
    request: requestIfAny(given),
    groups: groupsOf(given),
  };
}

/** Sets the defaults of a context. */
export function completeContext(context: SiteContext): CompleteContext {
  const { now = () => new Date(), report = () => {}, signal = new AbortController().signal } = context;
  return { ...context, now, report, signal };
}
