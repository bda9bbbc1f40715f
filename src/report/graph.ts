import type { Plan, PlannedPackage } from '../core/resolve/plan.ts';

/** Returns the requirements of each planned package by name: the inverse of `requiredBy`, in the order of the plan. */
export function dependencyMap(plan: Plan): Map<string, PlannedPackage[]> {
  const needs = new Map<string, PlannedPackage[]>();
  for (const pkg of plan.packages) needs.set(pkg.name, []);
  for (const pkg of plan.packages) {
    for (const dependant of pkg.requiredBy) needs.get(dependant)?.push(pkg);
  }
  return needs;
}
