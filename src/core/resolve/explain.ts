import { SELF_DESTRUCT_READ, SELF_DESTRUCT_WRITTEN } from '../setup-ini/records.ts';
import type { Dependency } from '../setup-ini/records.ts';
import { checkBudget, minimalCore } from '../solver/minimal-core.ts';
import type { Problem } from '../solver/engine.ts';
import { reasonsOf } from '../solver/package-rules.ts';
import type { RuleReason } from '../solver/package-rules.ts';
import type { Solvable } from '../solver/candidates.ts';
import type { Pool } from '../solver/pool.ts';
import type { Solution } from '../solver/solution.ts';
import type { Steps } from '../solver/steps.ts';
import { siteHint } from '../windows/ceilings.ts';
import { windowsTarget } from '../windows/kinds.ts';
import type { Conflict, ConflictStep } from './plan.ts';
import { firstOf, versionLabel, versionsText } from './alternatives.ts';
import { derivationOrder } from './derivation-order.ts';
import type { Requirement } from './requirements.ts';

/** Formats a dependency as in the index: `name (>= 1.2)`. */
export function dependencyText({ name, op, version }: Dependency): string {
  const written = name === SELF_DESTRUCT_READ ? SELF_DESTRUCT_WRITTEN : name;
  return op === undefined || version === undefined ? written : `${written} (${op} ${version})`;
}

/** Replaces the steps of a problem without proof. */
const OMITTED: ConflictStep = {
  kind: 'omitted',
  subject: '',
  text: 'the reasons are left out: those of earlier conflicts are too many',
};

/** Explains the problems of a solution. */
export class Explainer {
  readonly #pool: Pool;
  readonly #solution: Solution;
  readonly #requirements: readonly Requirement[];
  readonly #budget = checkBudget();

  /** @param requirements the requirements of the solution's jobs, in the same order */
  constructor(pool: Pool, solution: Solution, requirements: readonly Requirement[]) {
    this.#pool = pool;
    this.#solution = solution;
    this.#requirements = requirements;
  }

  /** Finds a shortest chain from the request to the contradicting facts. Pauses often. */
  *chain(problem: Problem): Steps<{ proof: number[]; steps: ConflictStep[] }> {
    if (problem.proof.length === 0 && problem.culprits.length > 0)
      return { proof: [...problem.culprits], steps: [...this.#steps(problem.culprits), OMITTED] };
    const clauses = problem.proof.map((rule) => this.#solution.rules.literalsOf(rule));
    const core = yield* minimalCore(clauses, this.#budget);
    const proof = core.map((i) => problem.proof[i] ?? 0);
    return { proof, steps: this.#steps(this.#inOrder(proof)) };
  }

  /** Makes a conflict of a problem, with its chain. Pauses often. */
  *explain(problem: Problem): Steps<Conflict> {
    const { proof, steps } = yield* this.chain(problem);
    const asked = this.#requirementsIn(proof).filter((requirement) => requirement.kind !== 'base');
    const requested = [...new Set(asked.flatMap((requirement) => requirement.by))].sort();
    const isBaseAlone = requested.length === 0;
    const subject =
      asked.length === 0
        ? 'category Base'
        : asked
            .map((requirement) =>
              requirement.exact ? `\`${requirement.name}=${requirement.exact.version}\`` : `\`${requirement.name}\``,
            )
            .join(' and ');
    const withBase =
      !isBaseAlone &&
      (proof.some((rule) => this.#isBaseRule(rule)) ||
        this.#requirementsIn(proof).some((requirement) => requirement.kind === 'base'));
    return {
      code: isBaseAlone ? 'broken-base' : asked.length > 1 || withBase ? 'conflicting' : 'unsatisfiable',
      message: isBaseAlone
        ? 'the packages of category Base cannot be installed together'
        : `${subject} cannot be installed${asked.length > 1 ? ' together' : ''}` +
          (withBase ? ' with the packages of category Base' : ''),
      requested,
      steps,
      suggestions: this.#suggestions(proof, isBaseAlone || withBase),
    };
  }

  #requirementsIn(proof: readonly number[]): Requirement[] {
    const { kinds } = this.#solution;
    return proof
      .filter((rule) => rule >= kinds.job && rule < kinds.choice)
      .map((rule) => this.#requirements[rule - kinds.job])
      .filter((requirement) => requirement !== undefined)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Returns whether a rule is a requirement of setup's artificial `base` package. */
  #isBaseRule(rule: number): boolean {
    const { kinds, rules } = this.#solution;
    return (
      rule < kinds.feature &&
      rules.p[rule] === -this.#pool.firstInstalled &&
      this.#pool.name(this.#pool.firstInstalled) === 'base'
    );
  }

  /** Orders the rules of a proof from the request to the facts: each after one that makes it relevant. */
  #inOrder(proof: readonly number[]): number[] {
    const { rules, kinds } = this.#solution;
    const starts = proof
      .map((rule, position) => ({ rule, position }))
      .filter(({ rule }) => rule >= kinds.feature)
      .sort((a, b) => a.rule - b.rule)
      .map(({ position }) => position);
    const clauses = proof.map((rule) => rules.literalsOf(rule));
    return derivationOrder(clauses, starts).map((position) => proof[position] ?? 0);
  }

  #steps(proof: readonly number[]): ConflictStep[] {
    const steps = new Map<string, ConflictStep>();
    const merged = new Map<string, RuleReason[]>();
    for (const rule of proof) {
      const reason = this.#reasonOf(rule);
      if (reason === undefined) {
        for (const step of this.#wordsOf(rule)) steps.set(step.text, step);
        continue;
      }
      // A fact that all versions of a package share is printed once, at the first of them.
      const key = this.#keyOf(reason);
      const alike = merged.get(key);
      if (alike === undefined) {
        merged.set(key, [reason]);
        steps.set(key, { kind: reason.kind, subject: '', text: '' });
      } else alike.push(reason);
    }
    return [...steps].map(([key, step]) => {
      const reasons = merged.get(key);
      return reasons === undefined ? step : this.#reasonStep(reasons);
    });
  }

  #keyOf({ kind, s, other, dependency }: RuleReason): string {
    const wanted = dependency === undefined ? '' : dependencyText(dependency);
    const version = kind === 'one-version' ? this.#pool.version(s) : '';
    return [kind, this.#pool.name(s), version, wanted, other === undefined ? '' : this.#pool.name(other)].join('\n');
  }

  /** Returns the dependency of a package rule; undefined for the rules of jobs and installed packages. */
  #reasonOf(rule: number): RuleReason | undefined {
    return rule < this.#solution.kinds.feature
      ? reasonsOf(this.#pool, this.#solution.rules.literalsOf(rule))[0]
      : undefined;
  }

  #wordsOf(rule: number): ConflictStep[] {
    const { kinds, rules } = this.#solution;
    if (rule >= kinds.job && rule < kinds.choice) {
      const requirement = this.#requirements[rule - kinds.job];
      if (requirement !== undefined) return [requirementStep(requirement)];
      const label = this.#label(-(rules.p[rule] ?? 0));
      const text = `the index withdraws ${label}, which is installed, with \`replace-versions\``;
      return [{ kind: 'not-available', subject: label, text }];
    }
    const s = rules.p[rule] ?? 0;
    if (rule < kinds.feature || this.#isInvented(s)) return [];
    return [{ kind: 'not-available', subject: this.#label(s), text: `${this.#label(s)} is installed and to be kept` }];
  }

  #isInvented(s: Solvable): boolean {
    const name = this.#pool.name(s);
    return this.#pool.isInstalled(s) && (name === 'base' || name === '_windows');
  }

  #label(s: Solvable): string {
    return `\`${this.#pool.name(s)}\` ${this.#pool.version(s)}`;
  }

  #versionLabel(s: Solvable): string {
    return versionLabel(this.#pool.catalogVersion(s)?.record ?? { version: this.#pool.version(s), section: 'curr' });
  }

  /** Merges reasons that differ only in versions into one. */
  #reasonStep(reasons: readonly RuleReason[]): ConflictStep {
    const [{ kind, s, other, dependency } = { kind: 'one-version' as const, s: 0 }] = reasons;
    const subject = this.#labels(reasons.map((each) => each.s));
    const object = this.#labels(reasons.map((each) => each.other).filter((each) => each !== undefined));
    const wanted = dependency === undefined ? '' : `\`${dependencyText(dependency)}\``;
    const common = {
      kind,
      subject,
      ...(other === undefined ? {} : { object }),
      ...(dependency === undefined ? {} : { dependency }),
    };
    const isOne = new Set(reasons.map((each) => this.#pool.version(each.s))).size === 1;
    const requires = isOne ? 'requires' : 'require';
    switch (kind) {
      case 'requires': {
        if (this.#isInvented(s))
          return { ...common, kind: 'base', text: `${wanted} is of category Base and always installed` };
        return { ...common, text: `${subject} ${requires} ${wanted}${this.#providersText(dependency)}` };
      }
      case 'nothing-provides': {
        if (this.#isInvented(s)) return { ...common, text: `${wanted} is of category Base and nothing provides it` };
        return {
          ...common,
          text: `${subject} ${requires} ${wanted}, which nothing provides${this.#whatThereIs(dependency)}`,
        };
      }
      case 'conflicts':
        return { ...common, text: `${subject} ${isOne ? 'conflicts' : 'conflict'} with ${wanted}, which is ${object}` };
      case 'obsoletes':
        return {
          ...common,
          text:
            `${subject} ${isOne ? 'obsoletes' : 'obsolete'} ${wanted} and so ` +
            `${isOne ? 'replaces' : 'replace'} ${object}`,
        };
      case 'one-version':
        return {
          ...common,
          text:
            `only one version of \`${this.#pool.name(s)}\` can be installed, not both ` +
            `${this.#pool.version(s)} and ${this.#pool.version(other ?? s)}`,
        };
    }
  }

  /** Formats versions of one package: `NAME` with up to three versions and the number of further ones. */
  #labels(solvables: readonly Solvable[]): string {
    const [first] = solvables;
    if (first === undefined) return '';
    const versions = [...new Set(solvables.map((each) => this.#pool.version(each)))];
    const shown = versions.length > 4 ? [...versions.slice(0, 3), `${versions.length - 3} more`] : versions;
    const last = shown.length > 1 ? ` and ${shown.at(-1)}` : '';
    return `\`${this.#pool.name(first)}\` ${(shown.length > 1 ? shown.slice(0, -1) : shown).join(', ')}${last}`;
  }

  #providersText(dependency: Dependency | undefined): string {
    if (dependency === undefined) return '';
    const providers = this.#pool.providers(dependency);
    const plain = providers.every((provider) => this.#pool.name(provider) === dependency.name);
    if (plain && dependency.op === undefined) return '';
    const labels = providers.slice(0, 4).map((provider) => this.#label(provider));
    return `, that is ${labels.join(' or ')}${providers.length > 4 ? ` or ${providers.length - 4} more` : ''}`;
  }

  #whatThereIs(dependency: Dependency | undefined): string {
    if (dependency?.op === undefined) return '';
    const versions = this.#pool
      .providersOfName(dependency.name)
      .toSorted((a, b) => this.#pool.compareVersions(b, a))
      .map((provider) => `\`${this.#pool.name(provider)}\` ${this.#versionLabel(provider)}`);
    return versions.length === 0 ? '' : `; there is ${firstOf(versions, 'more')}`;
  }

  #suggestWindows(suggestions: Set<string>): void {
    const [resident] = this.#pool.providersOfName('_windows').filter((s) => this.#pool.isInstalled(s));
    const target = resident === undefined ? undefined : windowsTarget(this.#pool.version(resident));
    const hint = target && siteHint(target, this.#pool.catalog.headers[0]?.arch);
    suggestions.add(hint ?? 'name the Windows to install on with --windows');
  }

  #suggestions(proof: readonly number[], isBaseInvolved: boolean): string[] {
    const suggestions = new Set<string>();
    for (const rule of proof) {
      if (rule >= this.#solution.kinds.feature) continue;
      for (const { kind, dependency } of reasonsOf(this.#pool, this.#solution.rules.literalsOf(rule))) {
        if (kind !== 'nothing-provides' || dependency === undefined) continue;
        if (dependency.name === '_windows') this.#suggestWindows(suggestions);
        else if (this.#pool.providersOfName(dependency.name).length === 0)
          suggestions.add(`add an index that has \`${dependencyText(dependency)}\``);
      }
    }
    for (const requirement of this.#requirementsIn(proof)) {
      if (requirement.exact === undefined) continue;
      const pkg = this.#pool.catalog.packages.get(requirement.name);
      if (pkg !== undefined && pkg.versions.length > 1) suggestions.add(versionsText(pkg, requirement.exact));
    }
    const requirements = this.#requirementsIn(proof).filter((requirement) => requirement.kind === 'package');
    if (requirements.length > 1)
      suggestions.add(`leave out ${requirements.map((requirement) => `\`${requirement.name}\``).join(' or ')}`);
    if (isBaseInvolved) suggestions.add('leave out the packages of category Base with --no-base');
    return [...suggestions];
  }
}

function requirementStep(requirement: Requirement): ConflictStep {
  const words = requirement.by.map((by) => `\`${by}\``).join(', ');
  switch (requirement.kind) {
    case 'base':
      return {
        kind: 'base',
        subject: requirement.name,
        text: `\`${requirement.name}\` is of category Base and always installed`,
      };
    case 'category':
      return {
        kind: 'category',
        subject: requirement.name,
        text: `you asked for ${words}, which has \`${requirement.name}\``,
      };
    case 'build-depends':
      return {
        kind: 'request',
        subject: requirement.name,
        text: `\`${requirement.name}\` is a ${requirement.by[0] ?? ''}`,
      };
    case 'package':
      return { kind: 'request', subject: requirement.name, text: `you asked for ${words}` };
  }
}
