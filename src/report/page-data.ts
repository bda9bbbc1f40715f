import type { Catalog } from '../core/catalog/catalog.ts';
import { hasCategory } from '../core/catalog/package.ts';
import type { Lock, LockedPackage } from '../core/lock/lock.ts';
import type { ChosenVersion } from '../core/resolve/edges.ts';
import { edgesOf, versionOf } from '../core/resolve/edges.ts';
import type { Archive } from '../core/setup-ini/records.ts';
import type { Plan, PlanReason } from '../core/resolve/plan.ts';
import type { Difference } from '../core/version/differences.ts';
import { countText, sizeText } from './text.ts';

/** What a report page shows, as a plain value. */
export interface ReportData {
  readonly title: string;
  /** Terms and values below the title. */
  readonly facts: readonly (readonly [term: string, value: string])[];
  readonly indexes: readonly ReportIndex[];
  readonly packages: readonly ReportPackage[];
  readonly warnings: readonly string[];
  /** Why the report has no requirements; null if it has. */
  readonly note: string | null;
  readonly difference: ReportDifference | null;
}

export interface ReportIndex {
  readonly arch: string | null;
  /** In seconds since 1970. */
  readonly timestamp: number | null;
}

export interface ReportPackage {
  readonly name: string;
  readonly version: string;
  /** Null if no index was read. */
  readonly section: string | null;
  /** Size of the binary archive in bytes. */
  readonly size: number;
  /** The binary archive. */
  readonly archive: Archive;
  readonly reason: ReportReason;
  /** The first category of the package; empty if no index was read. */
  readonly category: string;
  readonly summary: string;
  /** Names of the packages of the report that it requires. */
  readonly requires: readonly string[];
}

/** `listed`: nothing is known but that the package is there. */
export type ReportReason = PlanReason | 'listed';

/** What changed since an earlier lock or index. */
export interface ReportDifference extends Difference {
  /** Null if it is unknown. */
  readonly downloadBytes: number | null;
}

type Summary = Omit<ReportPackage, 'category' | 'summary' | 'requires' | 'section'>;

/** Category of a package that no index lists. */
const NO_CATEGORY = 'without category';

/** Describes a plan made from a catalog. */
export function reportOfPlan(catalog: Catalog, plan: Plan, difference: ReportDifference | null): ReportData {
  const { request, totals, leftOut, removed, orphaned } = plan;
  const names = [
    ...request.packages,
    ...request.categories.map((name) => `category ${name}`),
    ...request.buildDepends.map((name) => `build dependencies of ${name}`),
  ];
  const warnings = [
    ...plan.warnings,
    ...leftOut.map(({ name, why }) => `left out: ${name}: ${why}`),
    ...removed.map(({ name, version }) => `removed: ${name} ${version}`),
    ...orphaned.map(({ name, version }) => `orphaned: ${name} ${version}`),
  ];
  return {
    title: `Plan of ${names.length === 0 ? 'category Base' : listText(names)}`,
    facts: [
      ['Packages', `${totals.packages}`],
      ['To download', sizeText(totals.downloadBytes)],
      ['Windows', request.windows],
    ],
    indexes: indexesOf(catalog),
    packages: withCatalog(
      catalog,
      plan.packages.map((pkg) => ({ ...pkg, size: pkg.archive.sizeBytes })),
    ),
    warnings,
    note: null,
    difference,
  };
}

/** Describes a lock; with a catalog also the categories and requirements of its packages. */
export function reportOfLock(
  name: string,
  lock: Lock,
  catalog: Catalog | undefined,
  difference: ReportDifference | null,
): ReportData {
  const { request } = lock;
  const asked = new Set(request.packages.map((each) => each.split('=', 1)[0]));
  const categories = request.categories.map((each) => each.toLowerCase());
  const reasonOf = (pkg: string): ReportReason => {
    const own = catalog?.packages.get(pkg)?.categories ?? [];
    if (asked.has(pkg) || categories.some((key) => key === 'all' || hasCategory(own, key))) return 'requested';
    if (catalog === undefined) return 'listed';
    return request.base && hasCategory(own, 'base') ? 'base' : 'dependency';
  };
  const packages = lock.packages.map((pkg) => ({ ...pkg, archive: archiveOf(pkg), reason: reasonOf(pkg.name) }));
  const bytes = packages.reduce((sum, { size }) => sum + size, 0);
  const undigested = packages.filter(({ sha512, md5 }) => sha512 === undefined && md5 === undefined);
  const unlisted = catalog === undefined ? [] : packages.filter((pkg) => versionOf(catalog, pkg) === undefined);
  return {
    title: `Lock ${name}`,
    facts: [
      ['Packages', `${packages.length}`],
      ['Archives', sizeText(bytes)],
      ['Windows', request.windows],
      ['Made by', lock.resolver],
    ],
    indexes: lock.indexes.map(({ arch, timestamp }) => ({ arch, timestamp })),
    packages: catalog === undefined ? packages.map(withoutCatalog) : withCatalog(catalog, packages),
    warnings: [
      ...undigested.map((pkg) => `${pkg.name} ${pkg.version} has no digest: only its size can be verified`),
      ...unlisted.map((pkg) => `${pkg.name} ${pkg.version} is not in the index: its requirements are unknown`),
    ],
    note:
      catalog === undefined ? 'A lock has no requirements. Make the report with --index or --site to show them.' : null,
    difference,
  };
}

/** Describes a repo by the catalog of its index: the current versions of all packages. */
export function reportOfRepo(repo: string, catalog: Catalog, difference: ReportDifference | null): ReportData {
  const packages = [...catalog.packages.values()].flatMap((pkg) => {
    const current = catalog.current(pkg);
    if (current === undefined) return [];
    const { name, version, index, archive } = current;
    return [{ name, version, index, size: archive.sizeBytes, archive, reason: 'listed' as const }];
  });
  const bytes = packages.reduce((sum, { size }) => sum + size, 0);
  return {
    title: `Repo ${repo}`,
    facts: [
      ['Packages', `${packages.length}`],
      ['Archives', sizeText(bytes)],
    ],
    indexes: indexesOf(catalog),
    packages: withCatalog(catalog, packages),
    warnings: [],
    note: null,
    difference,
  };
}

function withCatalog(catalog: Catalog, packages: readonly (Summary & ChosenVersion)[]): ReportPackage[] {
  const chosen = new Map(packages.map((pkg) => [pkg.name, pkg]));
  return packages.map((pkg) => {
    const { name, version, size, archive, reason } = pkg;
    const known = catalog.packages.get(name);
    const requires = edgesOf(catalog, chosen, pkg).map(({ to }) => to);
    return {
      name,
      version,
      section: versionOf(catalog, pkg)?.section ?? null,
      size,
      archive,
      reason,
      category: known?.categories[0] ?? NO_CATEGORY,
      summary: known?.sdesc.replaceAll(/\s+/g, ' ') ?? '',
      requires: [...new Set(requires)].filter((to) => to !== name),
    };
  });
}

function archiveOf({ path, size, sha512, md5 }: LockedPackage): Archive {
  return { path, sizeBytes: size, ...(sha512 !== undefined && { sha512 }), ...(md5 !== undefined && { md5 }) };
}

function withoutCatalog({ name, version, size, archive, reason }: Summary): ReportPackage {
  return { name, version, section: null, size, archive, reason, category: NO_CATEGORY, summary: '', requires: [] };
}

function indexesOf({ headers }: Catalog): ReportIndex[] {
  return headers.map(({ arch, setupTimestamp }) => ({ arch: arch ?? null, timestamp: setupTimestamp ?? null }));
}

function listText(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(', ');
  return names.length > 8 ? `${shown} and ${countText(names.length - 8, 'other')}` : shown;
}
