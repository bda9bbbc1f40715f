import type { Archive, Dependency } from '../setup-ini/records.ts';

/** What the user asks for, on an empty system unless `installed` is given. Everything optional has setup's default. */
export interface ResolveRequest {
  /** Package names, or `name=version` to pin one version. Case-sensitive. */
  readonly packages: readonly string[];
  /** Categories, spelled as the index spells them; `All` is every package. */
  readonly categories: readonly string[];
  /** Packages whose build dependencies are asked for too. */
  readonly buildDepends: readonly string[];
  /** Whether the packages of category Base are installed too. Setup always does. */
  readonly base: boolean;
  /** Whether `[test]` versions count like any other; otherwise they are the last resort. */
  readonly test: boolean;
  /** Whether source archives are wanted too. */
  readonly source: boolean;
  /** `major.minor.build` of the Windows to install on, provided as `_windows`. */
  readonly windows: string;
  /** What is there already (`readInstalledDb`); its packages are then updated where a newer version exists. */
  readonly installed: readonly InstalledPackage[];
}

/** One line of an `installed.db`. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Whether the user picked it, as opposed to a dependency. */
  readonly picked: boolean;
}

export type PlanReason = 'requested' | 'base' | 'dependency';

/** What becomes of the package: on an empty system always `install`. */
export type PlanAction = 'install' | 'upgrade' | 'downgrade' | 'reinstall';

export interface PlannedSource {
  readonly name: string;
  readonly version: string;
  readonly archive: Archive;
}

export interface PlannedPackage {
  readonly name: string;
  readonly version: string;
  /** Label of the section the version stands in: curr, prev, test, ... */
  readonly section: string;
  readonly archive: Archive;
  /** Only when sources were asked for and the index has one. */
  readonly source?: PlannedSource;
  readonly reason: PlanReason;
  /** Names of the planned packages that need this one, sorted; empty when none does. */
  readonly requiredBy: readonly string[];
  readonly action: PlanAction;
  /** Version it replaces, when action is not `install`. */
  readonly replaces?: string;
  /** Which index it comes from, counted from 0 in the order the catalog was built. */
  readonly index: number;
}

/** A category member that cannot be installed: setup leaves it out without a word, and so does the plan, with one. */
export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

export interface Plan {
  readonly request: ResolveRequest;
  /** Install order: dependencies before dependants, members of a cycle side by side; deterministic. */
  readonly packages: readonly PlannedPackage[];
  readonly leftOut: readonly LeftOut[];
  /** What in the request had no effect, one sentence each: setup ignores a category that no package is in. */
  readonly warnings: readonly string[];
  /** Installed packages that no index lists any more, by name. */
  readonly orphaned: readonly InstalledPackage[];
  /** Installed packages that the plan takes away (obsoleted or in conflict). */
  readonly removed: readonly InstalledPackage[];
  readonly totals: {
    readonly packages: number;
    /** Binary archives and, when asked for, each source archive once. */
    readonly downloadBytes: number;
  };
}

/** Why a request cannot be met. Codes are stable. */
export type ConflictCode = 'unknown-package' | 'unknown-version' | 'unsatisfiable' | 'conflicting' | 'broken-base';

/** One step of the chain from the user's words to the facts that clash. */
export interface ConflictStep {
  /** `request`, `base`, `category` start a chain; the rest are facts of the index. */
  readonly kind:
    | 'request'
    | 'base'
    | 'category'
    | 'requires'
    | 'nothing-provides'
    | 'conflicts'
    | 'obsoletes'
    | 'one-version'
    | 'not-available';
  /** Package and version the fact belongs to, or what the user asked for. */
  readonly subject: string;
  readonly dependency?: Dependency;
  /** The other side, where there is one. */
  readonly object?: string;
  readonly text: string;
}

export interface Conflict {
  readonly code: ConflictCode;
  /** One line: what cannot be had. */
  readonly message: string;
  /** The user's own words that take part, sorted. */
  readonly requested: readonly string[];
  readonly steps: readonly ConflictStep[];
  /** What would work: names meant, versions that exist, a requirement to drop. */
  readonly suggestions: readonly string[];
}

export type ResolveResult =
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] };
