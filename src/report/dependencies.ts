import { dependencyText } from '../core/resolve/explain.ts';
import type { Dependency } from '../core/setup-ini/records.ts';

/** Renders a list of dependencies as an index writes it: `a, b (>= 1.2)`. */
export function dependenciesText(dependencies: readonly Dependency[]): string {
  return dependencies.map(dependencyText).join(', ');
}
