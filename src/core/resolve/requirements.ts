import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogPackage } from '../catalog/package.ts';
import type { CatalogVersion } from '../catalog/versions.ts';
import type { Conflict, LeftOut, ResolveRequest } from './plan.ts';
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

/** Converts a request into one requirement per package, sorted by name in byte order as in setup, or returns the
 *  names that do not exist. A requested name takes precedence over its categories, and these over Base.
 *  Source: cygwin-setup choose.cc, choose_cli.cc `isManuallyWanted`. */
export function requirementsOf(
  catalog: Catalog,
  request: ResolveRequest,
): { requirements: Requirement[]; conflicts: Conflict[]; passedOver: LeftOut[]; warnings: string[] } {
  const warnings: string[] = [];
  const requirements = new Map<string, Requirement>();
  const conflicts: Conflict[] = [];
  for (const item of request.packages) addPackage(catalog, item, requirements, conflicts);
  for (const name of request.buildDepends) addBuildDepends(catalog, name, requirements, conflicts);
  for (const category of request.categories) addCategory(catalog, category, requirements, { conflicts, warnings });
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
  catalog: Catalog,
  item: string,
  requirements: Map<string, Requirement>,
  conflicts: Conflict[],
): void {
  const at = item.indexOf('=');
  const name = at < 0 ? item : item.slice(0, at);
  const pkg = catalog.packages.get(name);
  if (pkg === undefined) {
    conflicts.push(unknownPackage(catalog, name, item));
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

function unknownPackage(catalog: Catalog, name: string, item: string): Conflict {
  const { providers, similar } = alternativesTo(catalog, name);
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

function addBuildDepends(
  catalog: Catalog,
  name: string,
  requirements: Map<string, Requirement>,
  conflicts: Conflict[],
): void {
  const buildDepends = catalog.buildDependsOf(name);
  if (buildDepends === undefined) {
    conflicts.push(unknownPackage(catalog, name, name));
    return;
  }
  for (const dependency of buildDepends) {
    const by = `build dependency of ${name}`;
    if (requirements.has(dependency.name)) continue;
    if (!catalog.packages.has(dependency.name) && catalog.providersOf(dependency.name).length === 0) {
      conflicts.push({ ...unknownPackage(catalog, dependency.name, dependency.name), requested: [by] });
      continue;
    }
    requirements.set(dependency.name, { name: dependency.name, by: [by], kind: 'build-depends' });
  }
}

/** Adds the packages of a category. An unknown category is refused if a known one is spelled like it; otherwise it is
 *  ignored with a warning, as setup does without one. */
function addCategory(
  catalog: Catalog,
  category: string,
  requirements: Map<string, Requirement>,
  { conflicts, warnings }: { readonly conflicts: Conflict[]; readonly warnings: string[] },
): void {
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
