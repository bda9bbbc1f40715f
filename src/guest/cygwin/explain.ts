import type { Finding } from '../finding.ts';
import { LOG_RULES } from './log-rules.ts';

/** What a finding means. */
export interface Explanation {
  readonly meaning: string;
  /** What to do, in the imperative. */
  readonly advice: string;
}

/** By kind; findings in the log of setup have the explanations of {@link LOG_RULES}. */
const EXPLANATIONS: Readonly<Record<Exclude<Finding['kind'], 'log'>, Explanation>> = {
  missing: {
    meaning: 'setup did not install a package of the lock',
    advice: 'read the findings of the kind `log`, which show why, or send the evidence of the installation',
  },
  version: {
    meaning: 'setup installed another version than that of the lock',
    advice: 'check that the medium has only the repo of this lock: leave out `--add`',
  },
  extra: {
    meaning: 'a package is installed that the lock does not have',
    advice: 'check that the medium has only the repo of this lock: leave out `--add`, or make a new lock',
  },
  postinstall: {
    meaning: 'the postinstall script of a package failed, so that the package may not work',
    advice: 'if you know that the failure does no harm, repeat with',
  },
  empty: {
    meaning: 'a program or a library has no content',
    advice: 'give the machine a larger disk with `--disk`, and turn off what scans files in Windows',
  },
  incomplete: {
    meaning: 'files of a package are missing',
    advice: 'give the machine a larger disk with `--disk`, and turn off what scans files in Windows',
  },
  check: {
    meaning: 'a check of the installed packages was not possible',
    advice: 'send the evidence of the installation',
  },
};

/** Explains a finding. Pure. */
export function explain({ kind, subject }: Finding): Explanation {
  if (kind === 'postinstall') {
    const { meaning, advice } = EXPLANATIONS.postinstall;
    return { meaning, advice: `${advice} \`--allow-postinstall-failure ${subject}\`` };
  }
  if (kind !== 'log') return EXPLANATIONS[kind];
  const rule = LOG_RULES.find(({ id }) => id === subject);
  return rule === undefined
    ? { meaning: 'the log of setup shows a failure', advice: 'send the evidence of the installation' }
    : { meaning: rule.meaning, advice: rule.advice };
}
