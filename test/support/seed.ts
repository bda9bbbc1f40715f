/** Seed of every property test: CYGSTRAP_SEED to rerun a failure, else always the same. Printed by fast-check on failure. */
export const SEED = Number(process.env['CYGSTRAP_SEED'] ?? 20250802);
