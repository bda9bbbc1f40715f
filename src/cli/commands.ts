import { buildCommand } from './commands/build.ts';
import { bundleCommand } from './commands/bundle.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommandOf } from './commands/config.ts';
import { diffCommand } from './commands/diff.ts';
import { doctorCommand } from './commands/doctor.ts';
import { fetchCommand } from './commands/fetch.ts';
import { filesCommand } from './commands/files.ts';
import { initCommand } from './commands/init.ts';
import { infoCommand } from './commands/info.ts';
import { installCommand } from './commands/install.ts';
import { lintCommand } from './commands/lint.ts';
import { lockCommand } from './commands/lock.ts';
import { mediaCommand } from './commands/media.ts';
import { mediaInspectCommand } from './commands/media-inspect.ts';
import { outdatedCommand } from './commands/outdated.ts';
import { addCommand, removeCommand } from './commands/project-change.ts';
import { providesFileCommand } from './commands/provides-file.ts';
import { pruneCommand } from './commands/prune.ts';
import { reportCommand } from './commands/report.ts';
import { resolveCommand } from './commands/resolve.ts';
import { searchCommand } from './commands/search.ts';
import { serveCommand } from './commands/serve.ts';
import { sitesCommand } from './commands/sites.ts';
import { updateCommand } from './commands/update.ts';
import { verifyCommand } from './commands/verify.ts';
import { vmBootCommand } from './commands/vm-boot.ts';
import { vmControllerBuildCommand } from './commands/vm-controller.ts';
import { vmEvidenceCommand } from './commands/vm-evidence.ts';
import { vmInstallCommand } from './commands/vm-install.ts';
import { vmReportCommand } from './commands/vm-report.ts';
import { vmRunCommand } from './commands/vm-run.ts';
import { vmShellCommand } from './commands/vm-shell.ts';
import { vmSnapshotCommand } from './commands/vm-snapshot.ts';
import { vmGcCommand, vmLsCommand, vmRmCommand } from './commands/vm-stages.ts';
import { vmViewCommand } from './commands/vm-view.ts';
import { whyCommand } from './commands/why.ts';
import type { Command } from './options/declare.ts';
import { didYouMean } from '../similar.ts';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  resolveCommand,
  whyCommand,
  infoCommand,
  searchCommand,
  filesCommand,
  providesFileCommand,
  diffCommand,
  reportCommand,
  lintCommand,
  initCommand,
  addCommand,
  removeCommand,
  lockCommand,
  updateCommand,
  outdatedCommand,
  configCommandOf(() => COMMANDS),
  fetchCommand,
  installCommand,
  verifyCommand,
  pruneCommand,
  bundleCommand,
  mediaCommand,
  mediaInspectCommand,
  serveCommand,
  sitesCommand,
  doctorCommand,
  vmInstallCommand,
  vmSnapshotCommand,
  vmRunCommand,
  vmShellCommand,
  vmBootCommand,
  vmViewCommand,
  vmEvidenceCommand,
  vmLsCommand,
  vmReportCommand,
  vmRmCommand,
  vmGcCommand,
  vmControllerBuildCommand,
  buildCommand,
  completionCommand,
];

/** Summaries of the words that only group commands. */
export const GROUPS: Readonly<Record<string, string>> = {
  vm: 'Make and run machines, stage by stage',
  'vm controller': 'Manage the small machine that serves shares to a guest',
};

/** Returns the words at the beginning of a command line that name a command or a group of commands. */
export function commandWords(argv: readonly string[]): readonly string[] {
  const names = [...COMMANDS.map(({ name }) => name), ...Object.keys(GROUPS)];
  let length = 0;
  while (length < argv.length && names.includes(argv.slice(0, length + 1).join(' '))) length++;
  return argv.slice(0, length);
}

/** Returns the command or group that is spelled most like the last of some words; the words before it are a group. */
export function nearestCommand(words: readonly string[]): string | undefined {
  const group = words.slice(0, -1);
  const below = COMMANDS.map(({ name }) => name.split(' '))
    .filter((name) => group.every((word, i) => name[i] === word))
    .map((name) => name[group.length] ?? '');
  return didYouMean(words.at(-1) ?? '', new Set(below))[0];
}
