import type { IndexSummary } from '../core/catalog/index-summary.ts';
import type { CygstrapError } from '../errors.ts';
import type { Conflict, Plan, PlannedPackage } from '../core/resolve/plan.ts';
import type { Archive } from '../core/setup-ini/records.ts';

/** Schema number of the JSON output; increases when a field is removed or changes its meaning. Fields can be added
 *  under the same number. */
export const SCHEMA = 1;

/** Returns the JSON form of a plan; `src/docs/json.md` documents every field. `indexes` must not be empty. */
export function planJson(plan: Plan, indexes: readonly IndexSummary[]) {
  const { installed, ...request } = plan.request;
  return {
    ...envelope(indexes),
    request: { ...request, installed: installed.length },
    packages: plan.packages.map(packageJson),
    warnings: plan.warnings,
    leftOut: plan.leftOut,
    removed: plan.removed,
    orphaned: plan.orphaned,
    totals: plan.totals,
  };
}

/** Returns the common fields of answers from an index: the first index as `index`, all of them as `indexes`. */
export function envelope(indexes: readonly IndexSummary[]) {
  return { schema: SCHEMA, index: indexes[0] ?? null, indexes };
}

function packageJson(pkg: PlannedPackage) {
  const { name, version, section, archive, source, reason, requiredBy, action, replaces, index } = pkg;
  return {
    name,
    version,
    section,
    archive: archiveJson(archive),
    ...(source === undefined
      ? {}
      : { source: { name: source.name, version: source.version, archive: archiveJson(source.archive) } }),
    reason,
    requiredBy,
    action,
    ...(replaces === undefined ? {} : { replaces }),
    index,
  };
}

/** Returns the JSON form of an archive; its size is called `size`. */
export function archiveJson({ path, sizeBytes, sha512, md5 }: Archive) {
  return { path, size: sizeBytes, ...(sha512 === undefined ? {} : { sha512 }), ...(md5 === undefined ? {} : { md5 }) };
}

/** Returns the JSON form of a refusal. `conflict` is the first of `conflicts`. */
export function refusalJson(conflicts: readonly Conflict[]) {
  return {
    schema: SCHEMA,
    error: {
      code: 'unsolvable',
      message: conflicts.map(({ message }) => message).join('; '),
      conflict: conflicts[0] ?? null,
      conflicts,
    },
  };
}

/** Returns the JSON form of any other failure. */
export function failureJson({ code, message, hint, details }: CygstrapError) {
  return {
    schema: SCHEMA,
    error: { code, message, ...(hint === undefined ? {} : { hint }), ...(details === undefined ? {} : { details }) },
  };
}
