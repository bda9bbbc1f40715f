import type { InstallResult } from '../../api/install.ts';
import { printableLine } from '../../printable.ts';
import { countText } from '../../report/text.ts';
import { defineCommand, excluding, flag, grouped, list, required, value } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_DONE, EXIT_NO } from '../terminal/failure.ts';
import { LOCKED_PACKAGES, LOCK_OPTIONS, knownLockOf } from '../options/lock.ts';
import { OUTPUT_OPTIONS } from '../options/options.ts';
import { REPO_OPTION, withProject } from '../options/repo.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';

const RESTART = 118;

const OPTIONS = {
  ...LOCK_OPTIONS,
  ...REPO_OPTION,
  ...grouped('Installation', {
    root: required(value('DIR', 'Directory of the installation')),
    check: excluding(flag('Do not run setup: only compare an installation with the lock'), ['repo', 'keyring']),
    keyring: list('PATH', "Trust the OpenPGP keys in this file or directory, besides Cygwin's own; repeat for several"),
    'allow-postinstall-failure': list(
      'NAME',
      'Accept that postinstall scripts of this package fail; repeat for several',
    ),
  }),
  ...OUTPUT_OPTIONS,
};

export const installCommand = defineCommand({
  name: 'install',
  summary: 'On Windows: install a lock from a repo with setup, and compare the result with the lock',
  options: OPTIONS,
  unexpected: LOCKED_PACKAGES,
  examples: [
    [String.raw`install --repo .\repo --root C:\cygwin64`, 'exit 1 if setup left out or broke anything'],
    [String.raw`install --check --root C:\cygwin64`, 'compare only'],
  ],
  run: installOnce,
});

async function installOnce({ output }: Session, args: Arguments<typeof OPTIONS>): Promise<number> {
  const { installRepo } = await import('../../api/install.ts');
  const { root, allowPostinstallFailure: postinstallFailures } = args;
  const places = args.check ? { lock: await checkedLock(args) } : await withProject(args);
  const request = { ...places, root, postinstallFailures };
  const report = reporter(output, args);
  const result = await interruptible((signal) => installRepo(request, { report, signal }));
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, ...result });
  } else {
    await output.data(installText(result));
    const hint = hintOf(result);
    if (hint !== undefined) output.note('hint', hint);
  }
  return result.isInstalled ? EXIT_DONE : EXIT_NO;
}

async function checkedLock(args: Arguments<typeof OPTIONS>): Promise<string> {
  const { loadProject } = await import('../../api/project.ts');
  return knownLockOf(args, await loadProject(undefined));
}

function installText({ root, lock, setup, packages, findings, gaps }: InstallResult): string {
  const lines = findings.map(
    ({ kind, subject, text, meaning, isAllowed }) =>
      `${isAllowed ? 'allowed' : kind} ${subject}: ${printableLine(text)} (${meaning})\n`,
  );
  lines.push(...gaps.map((gap) => `incomplete: ${gap}\n`));
  const refused = findings.filter(({ isAllowed }) => !isAllowed).length;
  const compared = `${packages.compared} of ${countText(packages.locked, 'package')} compared with \`${lock}\``;
  const end = setup === null ? '' : `; setup ended with exit code ${setup.exitCode ?? 'none'}`;
  return `${lines.join('')}\`${root}\`: ${compared}, ${countText(refused, 'difference')}${end}\n`;
}

function hintOf({ setup, findings, isInstalled }: InstallResult): string | undefined {
  if (setup?.exitCode === RESTART) return 'restart Windows, and then check the installation with `--check`';
  if (isInstalled) return undefined;
  const refused = findings.filter(({ isAllowed }) => !isAllowed);
  const failed = refused.find(({ kind }) => kind === 'postinstall');
  return failed === undefined
    ? refused[0]?.advice
    : `if the failure does no harm, allow it: \`--allow-postinstall-failure ${failed.subject}\``;
}
