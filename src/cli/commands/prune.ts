import type { PruneResult } from '../../api/prune.ts';
import { printableLine } from '../../printable.ts';
import { countText, sizeText } from '../../report/text.ts';
import { defineCommand, flag, grouped, list, one } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { pathOf } from '../options/path.ts';
import { EXIT_DONE } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { cacheOf, READING_OPTIONS } from '../options/options.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';

const OPTIONS = {
  ...READING_OPTIONS,
  ...grouped('Repo', {
    lock: list('FILE', 'Keep the archives of this lock; repeat for several'),
    yes: flag('Delete the files; without it they are only listed'),
  }),
};

export const pruneCommand = defineCommand({
  name: 'prune',
  summary: 'Delete the archives of a repo that neither its index nor a kept lock needs',
  positionals: { repo: one('Directory of a repo that cygstrap made', pathOf) },
  options: OPTIONS,
  examples: [
    ['prune ./repo --lock cygstrap.lock.json', 'list the files that can be deleted'],
    ['prune ./repo --lock old.lock.json --lock new.lock.json --yes', 'delete the listed files'],
  ],
  run: pruneOnce,
});

async function pruneOnce(
  { output, host }: Session,
  args: Arguments<typeof OPTIONS> & { readonly repo: string },
): Promise<number> {
  const { pruneRepo } = await import('../../api/prune.ts');
  const context = { ...cacheOf(args), env: host.env, report: reporter(output, args) };
  const result = await interruptible((signal) =>
    pruneRepo({ repo: args.repo, locks: args.lock, confirmed: args.yes }, { ...context, signal }),
  );
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, ...result });
  } else await output.data(pruneText(result));
  if (!result.isDone && result.remove.length > 0 && !args.quiet)
    output.note('hint', 'nothing was deleted; run it again with `--yes` to delete these files');
  return EXIT_DONE;
}

function pruneText({ repo, remove, removeBytes, keptFiles, foreign, isDone }: PruneResult): string {
  const lines = remove.map(({ path, sizeBytes }) => `${printableLine(path)}: ${sizeText(sizeBytes)}\n`);
  const gone = `${countText(remove.length, 'file')}, ${sizeText(removeBytes)}`;
  const others = foreign.length === 0 ? '' : `; ${countText(foreign.length, 'file')} not placed by cygstrap`;
  const deleted = isDone ? `deleted ${gone}` : `${gone} to delete`;
  return `${lines.join('')}\`${repo}\`: ${deleted}; ${keptFiles} kept${others}\n`;
}
