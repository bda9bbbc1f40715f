import type { Plan } from '../core/resolve/plan.ts';

/** Renders a plan as a Graphviz digraph: a node for each package, an arrow to each of its requirements; requested
 *  packages have a double border, Base packages are filled. */
export function dotText(plan: Plan): string {
  const style = { requested: ' peripheries=2', base: ' style=filled', dependency: '' } as const;
  const nodes = plan.packages.map(
    ({ name, version, reason }) =>
      `  ${dotId(name)} [label="${dotEscape(name)}\\n${dotEscape(version)}"${style[reason]}];\n`,
  );
  const arrows = plan.packages.flatMap(({ name, requiredBy }) =>
    requiredBy.map((dependant) => `  ${dotId(dependant)} -> ${dotId(name)};\n`),
  );
  return `digraph plan {\n  rankdir=LR;\n  node [shape=box];\n${nodes.join('')}${arrows.join('')}}\n`;
}

function dotEscape(text: string): string {
  return text.replace(/[\\"]/g, '\\$&');
}

/** Quotes a name as a Graphviz identifier. */
function dotId(text: string): string {
  return `"${dotEscape(text)}"`;
}
