import { SHELLS, completionScript } from '../terminal/completion-scripts.ts';
import type { Shell } from '../terminal/completion-scripts.ts';
import { defineCommand, one } from '../options/declare.ts';
import { didYouMean } from '../../similar.ts';
import { EXIT_DONE, UsageError } from '../terminal/failure.ts';

export const completionCommand = defineCommand({
  name: 'completion',
  summary: 'Print the script that completes commands, options and packages in a shell',
  positionals: { shell: one(`One of ${SHELLS.join(', ')}`) },
  options: {},
  examples: [['completion bash', 'the first line of the script says where it belongs']],
  run: async ({ output }, { shell }) => {
    if (!isShell(shell)) {
      const [near] = didYouMean(shell, SHELLS);
      throw new UsageError(
        `unknown shell: \`${shell}\``,
        near === undefined ? `use one of ${SHELLS.join(', ')}` : `did you mean \`${near}\`?`,
      );
    }
    await output.data(completionScript(shell));
    return EXIT_DONE;
  },
});

function isShell(name: string): name is Shell {
  return SHELLS.some((each) => each === name);
}
