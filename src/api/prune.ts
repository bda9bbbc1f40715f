import { resolve } from 'node:path';
import { applyPrune, planPrune } from '../repo/prune.ts';
import type { PrunedFile } from '../repo/prune.ts';
import type { OperationContext } from './context.ts';
import { readLock } from './lock-file.ts';
import { filesOfIndex } from './verify.ts';

export interface PruneRequest {
  readonly repo: string;
  /** Lock files whose archives stay. */
  readonly locks?: readonly string[] | undefined;
  /** Whether to delete the files; by default they are only returned. */
  readonly confirmed?: boolean | undefined;
}

export interface PruneResult {
  readonly repo: string;
  /** By path. */
  readonly remove: readonly PrunedFile[];
  readonly removeBytes: number;
  readonly keptFiles: number;
  /** Files in the directories of archives that cygstrap did not put there, relative to the repo; they stay. */
  readonly foreign: readonly string[];
  /** The indexes of the repo, relative to it, and whether what they list stays: only so where they list what the repo
   *  has. */
  readonly indexes: readonly { readonly path: string; readonly isSubset: boolean }[];
  readonly isDone: boolean;
}

/** Deletes the archives of a repo that neither a kept lock nor an index of cygstrap lists, or only returns them. Throws
 *  as `planPrune` and `applyPrune`, and errors of reading locks and indexes; nothing is deleted before all of them are
 *  read. */
export async function pruneRepo(
  { repo, locks: files = [], confirmed = false }: PruneRequest,
  context: OperationContext = {},
): Promise<PruneResult> {
  const locks = [];
  for (const file of files) locks.push(await readLock(file));
  const plan = await planPrune(resolve(repo), {
    locks,
    // Never lenient: what is left out of an index would be deleted.
    pathsOf: async (index) => (await filesOfIndex(index, { ...context, lenient: false })).map(({ path }) => path),
  });
  for (const link of plan.links)
    context.report?.({
      kind: 'warning',
      message: `\`${link}\` is a symbolic link: it is neither followed nor deleted`,
    });
  if (confirmed) await applyPrune(plan, { signal: context.signal, report: context.report });
  const { remove, removeBytes, keptFiles, foreign, indexes } = plan;
  return {
    repo,
    remove,
    removeBytes,
    keptFiles,
    foreign,
    indexes: indexes.map(({ path, isSubset }) => ({ path, isSubset })),
    isDone: confirmed,
  };
}
