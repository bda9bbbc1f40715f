import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogPackage } from '../catalog/package.ts';
import type { CatalogVersion } from '../catalog/versions.ts';
import type { Conflict, LeftOut, Programs, ResolveRequest } from './plan.ts';
import { alternativesTo, unknownNameText, unknownVersionText, versionsText } from './alternatives.ts';
import { didYouMean } from '../../similar.ts';

/** A package to install and its origin. */
export interface Requirement {
  readonly name: string;
  /** The pinned version. */
  readonly exact?: CatalogVersion;
  /** Origin: a package, `category X`, `build dependency of X`; `Base` for the packages that setup adds. */
  readonly by: readonly string[];
  readonly kind: 'package' | 'category' | 'build-depends' | 'base';
}

/** What the names of a request are looked up in. */
interface Known {
  readonly catalog: Catalog;
  readonly programs: Programs | undefined;
}

/** What the parts of a request add to. */
interface Collected {
  readonly requirements: Map<string, Requirement>;
  readonly conflicts: Conflict[];
  readonly warnings: string[];
}

/** Converts a request into one requirement per package, sorted by name in byte order as in setup, or returns the
 *  names that do not exist. A requested name takes precedence over its categories, and these over Base.
 *  Source: cygwin-setup choose.cc, choose_cli.cc `isManuallyWanted`. */
export function requirementsOf(
  catalog: Catalog,
  request: ResolveRequest,
  programs?: Programs,
): { requirements: Requirement[]; conflicts: Conflict[]; passedOver: LeftOut[]; warnings: string[] } {
  const collected: Collected = { requirements: new Map(), conflicts: [], warnings: [] };
  const { requirements, conflicts, warnings } = collected;
  const known = { catalog, programs };
  for (const item of request.packages) addPackage(known, item, collected);
  for (const name of request.buildDepends) addBuildDepends(known, name, collected);
  for (const category of request.categories) addCategory(catalog, category, collected);
  if (request.base) {
    for (const { name } of catalog.category('Base')) {
      if (!requirements.has(name)) requirements.set(name, { name, by: ['Base'], kind: 'base' });
    }
  }
  const present = new Set(request.installed.map(({ name }) => name));
  const passedOver: LeftOut[] = [];
  for (const requirement of requirements.values()) {
    if (requirement.exact !== undefined || present.has(requirement.name) || hasDefault(catalog, requirement.name))
      continue;
    requirements.delete(requirement.name);
    if (requirement.kind === 'category') passedOver.push({ name: requirement.name, why: NO_DEFAULT });
    else if (requirement.kind !== 'base') conflicts.push(noDefault(catalog, requirement));
  }
  return {
    requirements: [...requirements.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    conflicts,
    passedOver,
    warnings,
  };
}

const NO_DEFAULT =
  'it has neither a current nor a test version, and setup takes older ones only when they are pinned or required';

/** Setup requests a package by the version that it lists first, which can only be a current or a test version.
 *  Source: cygwin-setup package_meta.h `trustp`; observed in the answers for the index of 2009. */
function hasDefault(catalog: Catalog, name: string): boolean {
  const pkg = catalog.packages.get(name);
  return pkg === undefined || pkg.versions.some(({ stability }) => stability === 'curr' || stability === 'test');
}

function noDefault(catalog: Catalog, { name, by }: Requirement): Conflict {
  return {
    code: 'unsatisfiable',
    message: `\`${name}\` cannot be installed by its name alone`,
    requested: by,
    steps: [
      ...by.map((item) => ({ kind: 'request' as const, subject: item, text: `you asked for \`${item}\`` })),
      { kind: 'not-available', subject: name, text: NO_DEFAULT },
    ],
    suggestions: (catalog.packages.get(name)?.versions ?? []).map(({ version }) => `pin it: \`${name}=${version}\``),
  };
}

function addPackage(
  { catalog, programs }: Known,
  item: string,
  { requirements, conflicts }: Omit<Collected, 'warnings'>,
): void {
  const at = item.indexOf('=');
  const name = at < 0 ? item : item.slice(0, at);
  const pkg = catalog.packages.get(name);
  if (pkg === undefined) {
    conflicts.push(unknownPackage({ catalog, programs }, name, item));
    return;
  }
  const known = requirements.get(name);
  if (at < 0) {
    requirements.set(
      name,
      known === undefined ? { name, by: [item], kind: 'package' } : { ...known, by: [...new Set([...known.by, item])] },
    );
    return;
  }
  const exact = catalog.find(name, item.slice(at + 1));
  if (exact === undefined) {
    conflicts.push(unknownVersion(pkg, item));
    return;
  }
  if (known?.exact !== undefined && known.exact !== exact) {
    conflicts.push({
      code: 'conflicting',
      message: `\`${name}\` is pinned to two versions`,
      requested: [...known.by, item].sort(),
      steps: [...known.by, item].map((by) => ({ kind: 'request', subject: by, text: `you asked for \`${by}\`` })),
      suggestions: ['pin it to one of them'],
    });
    return;
  }
  requirements.set(name, { name, exact, by: [...(known?.by ?? []), item], kind: 'package' });
}

function unknownPackage({ catalog, programs }: Known, name: string, item: string): Conflict {
  const { providers, similar } = alternativesTo(catalog, name, programs);
  const suggestions =
    providers.length > 0
      ? [`ask for ${list(providers)} instead, which ${providers.length === 1 ? 'provides' : 'provide'} it`]
      : similar.map((each) => `did you mean \`${each}\`?`);
  return {
    code: 'unknown-package',
    message: unknownNameText(name),
    requested: [item],
    steps: [{ kind: 'request', subject: item, text: `you asked for \`${item}\`` }],
    suggestions,
  };
}

function unknownVersion(pkg: CatalogPackage, item: string): Conflict {
  const wanted = item.slice(item.indexOf('=') + 1);
  return {
    code: 'unknown-version',
    message: wanted === '' ? `\`${item}\` names no version` : unknownVersionText(pkg.name, wanted),
    requested: [item],
    steps: [{ kind: 'request', subject: item, text: `you asked for \`${item}\`` }],
    suggestions: [versionsText(pkg)],
  };
}

function addBuildDepends(known: Known, name: string, { requirements, conflicts }: Omit<Collected, 'warnings'>): void {
  const { catalog } = known;
  const buildDepends = catalog.buildDependsOf(name);
  if (buildDepends === undefined) {
    conflicts.push(unknownPackage(known, name, name));
    return;
  }
  for (const dependency of buildDepends) {
    const by = `build dependency of ${name}`;
    if (requirements.has(dependency.name)) continue;
    if (!catalog.packages.has(dependency.name) && catalog.providersOf(dependency.name).length === 0) {
      conflicts.push({ ...unknownPackage(known, dependency.name, dependency.name), requested: [by] });
      continue;
    }
    requirements.set(dependency.name, { name: dependency.name, by: [by], kind: 'build-depends' });
  }
}

/** Adds the packages of a category. An unknown category is refused if a known one is spelled like it; otherwise it is
 *  ignored with a warning, as setup does without one. */
function addCategory(catalog: Catalog, category: string, { requirements, conflicts, warnings }: Collected): void {
  const members = catalog.category(category).filter((pkg) => category === 'All' || pkg.categories.includes(category));
  if (members.length === 0) {
    const near = didYouMean(category, ['All', ...catalog.categories()]);
    const message = `no package is in a category \`${category}\``;
    if (near.length === 0) warnings.push(message);
    else
      conflicts.push({
        code: 'unknown-category',
        message,
        requested: [`category ${category}`],
        steps: [{ kind: 'request', subject: category, text: `you asked for \`category ${category}\`` }],
        suggestions: near.map((name) => `did you mean \`${name}\`?`),
      });
  }
  for (const { name } of members) {
    if (!requirements.has(name)) requirements.set(name, { name, by: [`category ${category}`], kind: 'category' });
  }
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(' or ');
}
