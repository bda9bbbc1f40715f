import { dependencyText } from '../core/resolve/explain.ts';
import type { WhyChain, WhyStep } from '../core/resolve/why.ts';
import { BELOW, MAX_DEPTH } from './depth.ts';
import { Lines } from './lines.ts';
import type { TextLimit } from './lines.ts';

/** Renders dependency chains, each as a tree with one branch, with a blank line between two. A step at the 100th level
 *  is marked `(below)`, and the chain goes on from it at the left margin. Every line ends in a newline. */
export function chainsText(chains: readonly WhyChain[], limit?: TextLimit): string {
  const lines = new Lines(limit);
  for (const chain of chains) {
    if (lines.count > 0) lines.add(() => '');
    addChain(chain, lines);
  }
  return lines
    .toArray()
    .map((line) => `${line}\n`)
    .join('');
}

function addChain({ reason, steps }: WhyChain, lines: Lines): void {
  steps.forEach((step, i) => {
    const depth = i === 0 ? 0 : ((i - 1) % MAX_DEPTH) + 1;
    const mark = i === 0 ? ` [${reason}]` : depth === MAX_DEPTH && i < steps.length - 1 ? BELOW : '';
    lines.add(() => `${stepText(step, depth)}${mark}`);
    if (mark === BELOW) lines.add(() => `${step.name} ${step.version}`);
  });
}

function stepText({ name, version, dependency }: WhyStep, depth: number): string {
  const lead = depth === 0 ? '' : `${'    '.repeat(depth - 1)}└── `;
  const isObvious = dependency === undefined || (dependency.name === name && dependency.op === undefined);
  return `${lead}${name} ${version}${isObvious ? '' : ` (for ${dependencyText(dependency)})`}`;
}
