import type { Archive, Dependency } from '../setup-ini/records.ts';

/** A request, for an empty system unless `installed` is given. Optional fields have the defaults of setup. */
export interface ResolveRequest {
  /** Package names, or `name=version` to pin one version. Case-sensitive. */
  readonly packages: readonly string[];
  /** Categories as spelled in the index; `All` is every package. */
  readonly categories: readonly string[];
  /** Packages whose build dependencies are added. */
  readonly buildDepends: readonly string[];
  /** Add the packages of category Base, as setup always does. */
  readonly base: boolean;
  /** Treat `[test]` versions like any other; otherwise they are the last resort. */
  readonly test: boolean;
  /** Add source archives. */
  readonly source: boolean;
  /** `major.minor.build` of the target Windows, provided as `_windows`. */
  readonly windows: string;
  /** Installed packages (`parseInstalledDb`); they are updated where a newer version exists. */
  readonly installed: readonly InstalledPackage[];
}

/** One line of an `installed.db`. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Selected by the user, not as a dependency. */
  readonly picked: boolean;
}

/** Names of programs, such as `telnet`, and the packages that have them. */
export type Programs = ReadonlyMap<string, ReadonlySet<string>>;

/** How a request is resolved. */
export interface ResolveOptions {
  /** Conflicts between packages after which the solver gives up. Default: 20,000; the plan of all packages of Cygwin's
   *  index of 2025 takes 10. */
  readonly solverLimit?: number | undefined;
  /** Packages with a program of a name that no package has, to suggest them. Default: none. */
  readonly programs?: Programs | undefined;
}

export type PlanReason = 'requested' | 'base' | 'dependency';

/** Action for the package; on an empty system always `install`. */
export type PlanAction = 'install' | 'upgrade' | 'downgrade' | 'reinstall';

export interface PlannedSource {
  readonly name: string;
  readonly version: string;
  readonly archive: Archive;
}

export interface PlannedPackage {
  readonly name: string;
  readonly version: string;
  /** Label of the version's section: curr, prev, test, ... */
  readonly section: string;
  readonly archive: Archive;
  /** Only if sources are requested and the index has one. */
  readonly source?: PlannedSource;
  readonly reason: PlanReason;
  /** Names of the planned packages that require this one, sorted; empty if there are none. */
  readonly requiredBy: readonly string[];
  readonly action: PlanAction;
  /** The replaced version, if the action is not `install`. */
  readonly replaces?: string;
  /** Number of its index, from 0, in the order of the catalog. */
  readonly index: number;
}

/** A category member that cannot be installed: setup drops it silently; a plan lists it. */
export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

export interface Plan {
  readonly request: ResolveRequest;
  /** Dependencies before dependants as far as cycles allow, members of a cycle adjacent; deterministic. An order in
   *  which packages can be installed, not that of setup: setup unpacks in the order of libsolv, and runs scripts in
   *  strata and in another order within a cycle. Source: cygwin-setup libsolv.cc `solutionToTransactionList`,
   *  package_db.cc `connectedBegin`, postinstall.cc. */
  readonly packages: readonly PlannedPackage[];
  readonly leftOut: readonly LeftOut[];
  /** Parts of the request without effect, one sentence each: setup ignores an empty category. In an `Answer` also test
   *  versions that neither `test` nor a pinned version allows. */
  readonly warnings: readonly string[];
  /** Installed packages that no index lists any more, by name. */
  readonly orphaned: readonly InstalledPackage[];
  /** Installed packages that the plan removes (obsoleted or in conflict). */
  readonly removed: readonly InstalledPackage[];
  readonly totals: {
    readonly packages: number;
    /** Binary archives and, if requested, each source archive once. */
    readonly downloadBytes: number;
  };
}

/** Why a request cannot be met. Codes are stable. */
export type ConflictCode =
  | 'unknown-package'
  | 'unknown-version'
  | 'unknown-category'
  | 'unsatisfiable'
  | 'conflicting'
  | 'broken-base'
  /** The solver reached its limit; there may be a plan. */
  | 'gave-up';

/** A step of the chain from the request to the contradicting facts. */
export interface ConflictStep {
  /** `request`, `base`, `category` start a chain; `undecided` names what the solver could not decide; `omitted` stands
   *  for a chain that was left out; the rest are facts of the index. */
  readonly kind:
    | 'request'
    | 'base'
    | 'category'
    | 'requires'
    | 'nothing-provides'
    | 'conflicts'
    | 'obsoletes'
    | 'one-version'
    | 'not-available'
    | 'undecided'
    | 'omitted';
  /** Package and version of the fact, or the requested item. */
  readonly subject: string;
  readonly dependency?: Dependency;
  /** The other package, if there is one. */
  readonly object?: string;
  readonly text: string;
}

export interface Conflict {
  readonly code: ConflictCode;
  /** One line: what cannot be installed. */
  readonly message: string;
  /** The requested items that are part of the conflict, sorted. */
  readonly requested: readonly string[];
  readonly steps: readonly ConflictStep[];
  /** Suggestions: similar names, existing versions, a requirement to drop. */
  readonly suggestions: readonly string[];
}

export type ResolveResult =
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] };
