import { documentDefault, value } from './declare.ts';
import { knownLockOf } from './lock.ts';
import { UsageError } from '../terminal/failure.ts';

/** The repo that a command uses. */
export const REPO_OPTION = { repo: documentDefault(value('DIR', 'Directory of the repo'), 'that of the project file') };

interface Given {
  readonly repo: string | undefined;
  readonly lock: string | undefined;
  readonly keyring?: readonly string[];
}

/** Completes a command line that takes a repo and a lock by the project file: its repo, the lock beside it, and its
 *  keys. `writesLock`: the command needs no lock. Throws `usage` if nothing is asked for and if neither names a repo,
 *  and what reading the project file throws. */
export async function withProject<A extends Given>(
  args: A,
  { writesLock = false } = {},
): Promise<A & { readonly repo: string; readonly lock: string }> {
  const { loadProject } = await import('../../api/project.ts');
  const project = await loadProject(undefined);
  const { repo = project.config.repo, keyring } = args;
  const lock = await knownLockOf(args, { file: project.file, isOnCommandLine: writesLock });
  if (repo === undefined) throw noRepo();
  const keys = keyring?.length === 0 ? { keyring: project.config.keyring ?? [] } : {};
  return { ...args, ...keys, repo, lock };
}

/** Makes the error for a command that needs a repo. */
export function noRepo(): UsageError {
  return new UsageError('no repo is given', 'name its directory with `--repo`');
}
