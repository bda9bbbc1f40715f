import { dependencyText } from '../core/resolve/explain.ts';
import type { WhyChain, WhyStep } from '../core/resolve/why.ts';

/** Renders dependency chains, each as a tree with one branch; every line ends in a newline. */
export function chainsText(chains: readonly WhyChain[]): string {
  return chains
    .map(({ reason, steps }) =>
      steps.map((step, depth) => `${stepText(step, depth)}${depth === 0 ? ` [${reason}]` : ''}\n`).join(''),
    )
    .join('\n');
}

function stepText({ name, version, dependency }: WhyStep, depth: number): string {
  const lead = depth === 0 ? '' : `${'    '.repeat(depth - 1)}└── `;
  const isObvious = dependency === undefined || (dependency.name === name && dependency.op === undefined);
  return `${lead}${name} ${version}${isObvious ? '' : ` (for ${dependencyText(dependency)})`}`;
}
