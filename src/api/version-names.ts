import type { PlannedPackage } from '../core/resolve/plan.ts';

/** Names versions in a message, at most eight and a count: `lib 2.0-1` [test]. */
export function versionNames(packages: readonly Pick<PlannedPackage, 'name' | 'version' | 'section'>[]): string {
  const names = packages.slice(0, 8).map(({ name, version, section }) => `\`${name} ${version}\` [${section}]`);
  const more = packages.length > names.length ? `, and ${packages.length - names.length} more` : '';
  return `${names.join(', ')}${more}`;
}
