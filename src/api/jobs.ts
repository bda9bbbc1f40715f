import { CygstrapError } from '../errors.ts';

/** Throws `usage` for a number of jobs below 1 or with a fraction. */
export function requireJobs(jobs: number): void {
  if (!Number.isSafeInteger(jobs) || jobs < 1)
    throw new CygstrapError('usage', `\`jobs\` must be a whole number from 1: ${jobs}`);
}
