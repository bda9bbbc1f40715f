import type { Plan, PlannedPackage } from '../core/resolve/plan.ts';
import { dependencyMap } from './graph.ts';
import { countText, sizeText } from './text.ts';

interface Branch {
  readonly pkg: PlannedPackage;
  /** Drawn before the package's own line, and before those of its dependencies. */
  readonly lead: string;
  readonly indent: string;
  /** Whether the walk is past the dependencies of `pkg`. */
  readonly closes: boolean;
}

/** Renders a plan as dependency trees: first those of the requested packages, then of Base, then whatever nothing else
 *  reaches. A package is opened once; `(above)` marks where it comes again, `(cycle)` where it needs itself through others. */
export function treeText(plan: Plan): string {
  const needs = dependencyMap(plan);
  const shown = new Set<string>();
  const lines: string[] = [];
  const rank = { requested: 0, base: 1, dependency: 2 } as const;
  const roots = plan.packages.toSorted((a, b) => rank[a.reason] - rank[b.reason]);
  for (const root of roots) {
    if (root.reason === 'dependency' && shown.has(root.name)) continue;
    draw(root, needs, shown, lines);
  }
  lines.push(`${countText(plan.totals.packages, 'package')}, ${sizeText(plan.totals.downloadBytes)} to download`);
  return `${lines.join('\n')}\n`;
}

/** Walks with a stack of its own: a hostile index can nest deeper than calls can. */
function draw(root: PlannedPackage, needs: Map<string, PlannedPackage[]>, shown: Set<string>, lines: string[]): void {
  const open = new Set<string>();
  const stack: Branch[] = [{ pkg: root, lead: '', indent: '', closes: false }];
  for (let branch = stack.pop(); branch !== undefined; branch = stack.pop()) {
    const { pkg, lead, indent } = branch;
    if (branch.closes) {
      open.delete(pkg.name);
      continue;
    }
    const dependencies = needs.get(pkg.name) ?? [];
    const mark = open.has(pkg.name) ? ' (cycle)' : shown.has(pkg.name) && dependencies.length > 0 ? ' (above)' : '';
    const tag = lead === '' && pkg.reason !== 'dependency' ? ` [${pkg.reason}]` : '';
    lines.push(`${lead}${pkg.name} ${pkg.version}${tag}${mark}`);
    if (mark !== '') continue;
    shown.add(pkg.name);
    open.add(pkg.name);
    stack.push({ pkg, lead, indent, closes: true });
    dependencies.toReversed().forEach((dependency, i) => {
      const last = i === 0;
      stack.push({
        pkg: dependency,
        lead: `${indent}${last ? '└── ' : '├── '}`,
        indent: `${indent}${last ? '    ' : '│   '}`,
        closes: false,
      });
    });
  }
}
