import { setupText } from '../../report/setup-line.ts';
import { countText, sizeText } from '../../report/text.ts';
import { defineCommand, documentDefault, excluding, value } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_DONE, UsageError } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { LOCKED_PACKAGES, LOCK_DEFAULT } from '../options/lock.ts';
import { OUTPUT_OPTIONS } from '../options/options.ts';
import { REPO_OPTION, withProject } from '../options/repo.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';

type BundleArguments = Arguments<typeof OPTIONS> & { readonly repo: string; readonly lock: string };

const OPTIONS = {
  ...REPO_OPTION,
  lock: documentDefault(value('FILE', 'The new lock; --apply writes it'), LOCK_DEFAULT),
  since: value('FILE', 'Leave out what this older lock lists; without it the bundle holds every file'),
  out: value('FILE', 'Write the bundle to this tar file'),
  apply: excluding(value('FILE', 'Verify this bundle and add its files to the repo'), ['out', 'since']),
  ...OUTPUT_OPTIONS,
};

export const bundleCommand = defineCommand({
  name: 'bundle',
  summary: 'Pack the files that a new lock needs into one tar, to update a repo without network',
  options: OPTIONS,
  unexpected: LOCKED_PACKAGES,
  examples: [
    ['bundle --repo ./repo --since old.lock.json --out may.tar', 'pack what the old lock does not list'],
    ['bundle --apply may.tar --repo ./repo', 'add it to the other repo'],
  ],
  async run(session, given) {
    const { apply, out } = given;
    if (apply === undefined && out === undefined) throw new UsageError('--out or --apply is missing');
    const args = await withProject(given, { writesLock: apply !== undefined });
    return apply === undefined ? make(session, args, out ?? '') : applyTo(session, args, apply);
  },
});

async function make({ output }: Session, args: BundleArguments, out: string): Promise<number> {
  const { makeBundle } = await import('../../api/bundle.ts');
  const report = reporter(output, args);
  const result = await interruptible((signal) =>
    makeBundle({ repo: args.repo, lock: args.lock, since: args.since, out }, { report, signal }),
  );
  if (args.json) await output.json({ schema: (await import('../../report/json.ts')).SCHEMA, ...result });
  else {
    const { bundle, size, files, leftOut, setup } = result;
    const rest = args.since === undefined ? '' : `; ${leftOut} left out, which \`${args.since}\` lists`;
    await output.data(`\`${bundle}\`: ${countText(files, 'archive')}, ${sizeText(size)}${rest}\n${setupText(setup)}`);
  }
  return EXIT_DONE;
}

async function applyTo({ output }: Session, args: BundleArguments, tar: string): Promise<number> {
  const { applyBundle } = await import('../../api/bundle-apply.ts');
  const report = reporter(output, args);
  const result = await interruptible((signal) =>
    applyBundle({ bundle: tar, repo: args.repo, lock: args.lock }, { report, signal }),
  );
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, ...result });
  } else {
    const { packages, files, size, present, setup } = result;
    const added = `${countText(files, 'archive')}, ${sizeText(size)}`;
    await output.data(
      `\`${args.repo}\` matches \`${args.lock}\`: ${countText(packages, 'package')}; ${added} added, ` +
        `${present} already present\n${setupText(setup)}`,
    );
  }
  return EXIT_DONE;
}
