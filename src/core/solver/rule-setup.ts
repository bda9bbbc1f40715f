import { SYSTEM, type Solvable } from './candidates.ts';
import { choiceRules } from './choice-rules.ts';
import type { RuleKinds } from './engine.ts';
import { packageRules } from './package-rules.ts';
import type { Pool } from './pool.ts';
import type { RuleSet } from './rules.ts';
import { updateCandidates } from './updates.ts';

/** A requested item: any version of a package or provider of a name; exactly one version; or the replacement of an
 *  installed package by any version in the index, also an older one. */
export type Job =
  | { readonly kind: 'any'; readonly name: string }
  | { readonly kind: 'exact'; readonly solvable: Solvable }
  | { readonly kind: 'replace'; readonly solvable: Solvable };

/** The rules of a problem before the search. */
export interface RuleSetUp {
  readonly rules: RuleSet;
  readonly kinds: RuleKinds;
  /** For each choice rule, the rule it was derived from. */
  readonly origins: readonly number[];
  /** Installed packages without another version in the index. */
  readonly orphaned: readonly Solvable[];
  /** Installed packages that a job replaces by an exact version: they are not kept. */
  readonly replaced: ReadonlySet<Solvable>;
}

/** Makes the rules of packages, installed packages and jobs, in the order of libsolv.
 *  Source: libsolv src/solver.c `solver_solve`. */
export function setUpRules(pool: Pool, jobs: readonly Job[]): RuleSetUp {
  const installed = pool.installed();
  const candidates = jobs.map((job) => literalsOf(pool, job));
  const toReplace = new Set(jobs.flatMap((job) => (job.kind === 'replace' ? [job.solvable] : [])));
  const updates = installed.map((s) => ({
    all: updateCandidates(pool, s, { downgrades: true }),
    up: updateCandidates(pool, s, { downgrades: toReplace.has(s) }),
  }));
  const rules = packageRules(pool, [
    ...installed,
    ...updates.flatMap(({ all }) => all),
    ...candidates.flat().map(Math.abs),
  ]);

  const feature = rules.count;
  installed.forEach((s, i) => rules.add(s, updates[i]?.all ?? []));
  const orphaned = installed.filter((_, i) => rules.isAssertion(feature + i));
  const update = rules.count;
  installed.forEach((s, i) => addUpdateRule(rules, s, updates[i]?.up ?? [], feature + i));
  const job = rules.count;
  for (const list of candidates) {
    if (list.length === 0) rules.addBinary(-SYSTEM, 0);
    else rules.add(list[0] ?? 0, list.slice(1));
  }
  const choice = rules.count;
  const origins = choiceRules(pool, rules, { feature, update });
  const kinds = { feature, update, job, choice, learnt: rules.count };
  const replaced = new Set(jobs.flatMap((each) => (each.kind === 'exact' ? replacedBy(pool, each.solvable) : [])));
  for (const s of replaced) {
    const offset = s - pool.firstInstalled;
    rules.disabled[update + offset] = 1;
    rules.disabled[feature + offset] = 1;
  }
  return { rules, kinds, origins, orphaned, replaced };
}

/** Returns the rule of a job. An installed package to replace is forbidden, as by the distupgrade rules of libsolv; its
 *  update rule then selects the replacement. Source: libsolv src/rules.c `solver_addduprules`. */
function literalsOf(pool: Pool, job: Job): readonly number[] {
  if (job.kind === 'any') return pool.providersOfName(job.name);
  return [job.kind === 'exact' ? job.solvable : -job.solvable];
}

/** Adds the update rule of an installed package: it or a better version of it. The feature rule, which also admits
 *  older versions, counts only after the update rule has been disabled. */
function addUpdateRule(rules: RuleSet, s: Solvable, candidates: readonly Solvable[], feature: number): void {
  const rule = rules.add(s, candidates);
  const isSame = rules.literalsOf(rule).join() === rules.literalsOf(feature).join();
  if (!isSame) {
    rules.disabled[feature] = 1;
    return;
  }
  rules.p[feature] = 0;
  rules.watch1[feature] = 0;
  rules.watch2[feature] = 0;
  rules.list[feature] = 0;
}

/** Returns the installed packages that a requested version replaces: those it obsoletes, and other versions of it.
 *  Source: libsolv src/rules.c `jobtodisablelist`. */
function replacedBy(pool: Pool, wanted: Solvable): Solvable[] {
  if (pool.isInstalled(wanted)) return [];
  return pool
    .installed()
    .filter(
      (s) =>
        pool.name(s) === pool.name(wanted) ||
        pool.obsoletes(wanted).some((dependency) => pool.obsoletedBy(dependency).includes(s)),
    );
}
