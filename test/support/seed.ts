/** Seed of every property test. fast-check prints it on failure; CYGSTRAP_SEED overrides it. */
export const SEED = Number(process.env['CYGSTRAP_SEED'] ?? 20250802);
