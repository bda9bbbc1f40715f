import type { ResolveRequest } from './plan.ts';

/** Windows 10 22H2, the version on which the recorded plans of setup were made. */
export const DEFAULT_WINDOWS = '10.0.19045';

/** Conflicts between packages after which the solver gives up. Real requests have at most about ten. */
export const DEFAULT_SOLVER_LIMIT = 20_000;

/** The request for category Base alone: the default of every field. */
export const EMPTY_REQUEST: ResolveRequest = {
  packages: [],
  categories: [],
  buildDepends: [],
  base: true,
  test: false,
  source: false,
  windows: DEFAULT_WINDOWS,
  installed: [],
};
