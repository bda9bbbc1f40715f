import { CONFIG_NAME } from '../core/config/config.ts';
import type { Config } from '../core/config/config.ts';
import { parseConfig } from '../core/config/parse.ts';
import type { Conflict } from '../core/resolve/plan.ts';
import { why } from '../core/resolve/why.ts';
import type { WhyChain } from '../core/resolve/why.ts';
import { CygstrapError } from '../errors.ts';
import { readTextFile, writeTextFile } from '../io/text-file.ts';
import { chainsText } from '../report/chains.ts';
import { didYouMean } from '../similar.ts';
import { readLockIfPresent } from './lock-file.ts';
import { saveLock } from './lock-save.ts';
import type { LockSaveResult } from './lock-save.ts';
import { adjustLock } from './lock.ts';
import type { LockOptions, LockSource } from './lock.ts';
import { editPackages, nameOf } from './project-edit.ts';
import type { PackageChanges } from './project-edit.ts';
import { configRequest, lockBeside, missingProject } from './project.ts';

export interface ProjectChange extends PackageChanges {
  /** The project file; by default `cygstrap.json`. */
  readonly file?: string | undefined;
  /** The lock; by default `cygstrap.lock.json` beside the project file. */
  readonly lock?: string | undefined;
}

/** A package that stays in the plan because others need it. */
export interface StillNeeded {
  readonly name: string;
  /** The shortest chains to it. */
  readonly chains: readonly WhyChain[];
}

export type ProjectChangeResult =
  | (LockSaveResult & {
      readonly kind: 'changed';
      /** The project file, and whether it was written: false if it has these packages already. */
      readonly project: { readonly file: string; readonly written: boolean; readonly packages: readonly string[] };
      /** Removed packages that stay in the lock. */
      readonly stillNeeded: readonly StillNeeded[];
    })
  /** A package to remove is not in the project file. */
  | { readonly kind: 'absent'; readonly error: CygstrapError }
  | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] };

/** Adds packages to a project file, or removes some, and updates the lock with the smallest change. Writes both files
 *  only if there is a plan: the lock first. The same call completes a change that was interrupted between the two.
 *  Throws `usage` without a project file, for an invalid one and for an invalid item; `lock`, `windows` and `io` as
 *  `makeLock`; `io` if the project file changes in the meantime. */
export async function changeProject(
  source: LockSource,
  { file = CONFIG_NAME, lock: lockFile = lockBeside(file), add = [], remove = [] }: ProjectChange,
  options: LockOptions = {},
): Promise<ProjectChangeResult> {
  const text = await readTextFile(file, 'usage');
  if (text === undefined) throw missingProject(file);
  const config = parseConfig(text, file);
  const before = await readLockIfPresent(lockFile);
  const plan = (fields: Config, report = options.report ?? (() => {})) =>
    adjustLock(source, configRequest(fields), before, { ...options, report, arch: options.arch ?? fields.arch });
  const [missing] = remove.filter((name) => !(config.packages ?? []).some((item) => nameOf(item) === name));
  if (missing !== undefined) {
    const now = await plan(config, () => {});
    const chains = now.kind === 'lock' ? why(source.catalog, now.plan, missing) : [];
    return { kind: 'absent', error: notInProject({ file, config, name: missing, chains }) };
  }
  const edited = editPackages(text, { add, remove });
  const changed = parseConfig(edited, file);
  const made = await plan(changed);
  if (made.kind === 'conflict') return made;
  if ((await readTextFile(file, 'usage')) !== text)
    throw new CygstrapError('io', `\`${file}\` was changed by another program`, { hint: 'run the command again' });
  const saved = await saveLock(lockFile, made.lock, before);
  if (edited !== text) await writeTextFile(file, edited);
  const stillNeeded = remove
    .map((name) => ({ name, chains: why(source.catalog, made.plan, name) }))
    .filter(({ chains }) => chains.length > 0);
  const project = { file, written: edited !== text, packages: changed.packages ?? [] };
  return { kind: 'changed', ...saved, project, stillNeeded };
}

function notInProject({
  file,
  config,
  name,
  chains,
}: StillNeeded & { readonly file: string; readonly config: Config }): CygstrapError {
  const details = { package: name, chains };
  const [chain] = chains;
  if (chain === undefined) {
    const [near] = didYouMean(name, (config.packages ?? []).map(nameOf));
    return new CygstrapError('not-found', `\`${name}\` is not in \`${file}\``, {
      details,
      ...(near !== undefined && { hint: `did you mean \`${near}\`?` }),
    });
  }
  const by = chain.steps[0]?.name;
  const tree = chainsText(chains)
    .replace(/^(?=.)/gm, '  ')
    .trimEnd();
  return new CygstrapError('not-found', `\`${name}\` is not in \`${file}\`; others need it:\n${tree}`, {
    details,
    hint:
      chain.reason === 'base'
        ? 'category Base needs it, which setup always installs'
        : `remove \`${by}\`, and it goes too if nothing else needs it`,
  });
}
