import { dependencyText } from '../core/resolve/explain.ts';
import type { WhyChain, WhyStep } from '../core/resolve/why.ts';
import { BELOW, MAX_DEPTH } from './depth.ts';

/** Renders dependency chains, each as a tree with one branch. A step at the 100th level is marked `(below)`, and the
 *  chain goes on from it at the left margin. Every line ends in a newline. */
export function chainsText(chains: readonly WhyChain[]): string {
  return chains.map(chainText).join('\n');
}

function chainText({ reason, steps }: WhyChain): string {
  const lines: string[] = [];
  steps.forEach((step, i) => {
    const depth = i === 0 ? 0 : ((i - 1) % MAX_DEPTH) + 1;
    const mark = i === 0 ? ` [${reason}]` : depth === MAX_DEPTH && i < steps.length - 1 ? BELOW : '';
    lines.push(`${stepText(step, depth)}${mark}\n`);
    if (mark === BELOW) lines.push(`${step.name} ${step.version}\n`);
  });
  return lines.join('');
}

function stepText({ name, version, dependency }: WhyStep, depth: number): string {
  const lead = depth === 0 ? '' : `${'    '.repeat(depth - 1)}└── `;
  const isObvious = dependency === undefined || (dependency.name === name && dependency.op === undefined);
  return `${lead}${name} ${version}${isObvious ? '' : ` (for ${dependencyText(dependency)})`}`;
}
