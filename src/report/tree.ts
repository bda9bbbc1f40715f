import type { Plan, PlannedPackage } from '../core/resolve/plan.ts';
import { BELOW, MAX_DEPTH } from './depth.ts';
import { dependencyMap } from './graph.ts';
import { Lines } from './lines.ts';
import type { TextLimit } from './lines.ts';
import { countText, sizeText } from './text.ts';

interface Branch {
  readonly pkg: PlannedPackage;
  readonly depth: number;
  /** Precedes the line of the package. */
  readonly lead: string;
  /** Precedes the lines of its dependencies. */
  readonly indent: string;
  /** Whether all dependencies of `pkg` are drawn. */
  readonly isClosing: boolean;
}

/** Renders a plan as dependency trees: first those of the requested packages, then those of category Base, then those
 *  of packages that no tree contains yet. The dependencies of a package are drawn once. `(above)` marks a repeated
 *  package, `(cycle)` one that requires itself through others, `(below)` one at the 100th level, whose own tree
 *  follows. The last line has the totals. */
export function treeText(plan: Plan, limit?: TextLimit): string {
  const rank = { requested: 0, base: 1, dependency: 2 } as const;
  const drawing = new Drawing(dependencyMap(plan), limit);
  for (const root of plan.packages.toSorted((a, b) => rank[a.reason] - rank[b.reason])) drawing.addTree(root);
  const totals = `${countText(plan.totals.packages, 'package')}, ${sizeText(plan.totals.downloadBytes)} to download`;
  return `${[...drawing.lines.toArray(), totals].join('\n')}\n`;
}

class Drawing {
  readonly lines: Lines;
  readonly #needs: ReadonlyMap<string, readonly PlannedPackage[]>;
  /** Packages whose dependencies are drawn. */
  readonly #drawn = new Set<string>();
  /** Packages on the path from the root. */
  readonly #path = new Set<string>();

  constructor(needs: ReadonlyMap<string, readonly PlannedPackage[]>, limit: TextLimit | undefined) {
    this.#needs = needs;
    this.lines = new Lines(limit);
  }

  /** Draws the tree of a package, then the trees of packages that were too deep in it. */
  addTree(root: PlannedPackage): void {
    if (root.reason === 'dependency' && this.#drawn.has(root.name)) return;
    const below = this.#draw(root);
    for (const pkg of below) {
      if (this.#drawn.has(pkg.name)) continue;
      for (const deeper of this.#draw(pkg)) below.add(deeper);
    }
  }

  /** Draws one tree and returns the packages marked `(below)`. Not recursive: dependencies can be nested deeper than
   *  function calls. */
  #draw(root: PlannedPackage): Set<PlannedPackage> {
    const below = new Set<PlannedPackage>();
    const stack: Branch[] = [{ pkg: root, depth: 0, lead: '', indent: '', isClosing: false }];
    for (let branch = stack.pop(); branch !== undefined; branch = stack.pop()) {
      const { pkg, depth, lead, indent, isClosing } = branch;
      if (isClosing) {
        this.#path.delete(pkg.name);
        continue;
      }
      const dependencies = this.#needs.get(pkg.name) ?? [];
      const mark = this.#markOf(pkg, depth, dependencies.length > 0);
      const tag = depth === 0 && pkg.reason !== 'dependency' ? ` [${pkg.reason}]` : '';
      this.lines.add(() => `${lead}${pkg.name} ${pkg.version}${tag}${mark}`);
      if (mark === BELOW) below.add(pkg);
      if (mark !== '') continue;
      this.#drawn.add(pkg.name);
      this.#path.add(pkg.name);
      stack.push({ ...branch, isClosing: true });
      dependencies.toReversed().forEach((dependency, i) => {
        const isLast = i === 0;
        stack.push({
          pkg: dependency,
          depth: depth + 1,
          lead: `${indent}${isLast ? '└── ' : '├── '}`,
          indent: `${indent}${isLast ? '    ' : '│   '}`,
          isClosing: false,
        });
      });
    }
    return below;
  }

  #markOf({ name }: PlannedPackage, depth: number, hasDependencies: boolean): string {
    if (this.#path.has(name)) return ' (cycle)';
    if (!hasDependencies) return '';
    if (this.#drawn.has(name)) return ' (above)';
    return depth >= MAX_DEPTH ? BELOW : '';
  }
}
