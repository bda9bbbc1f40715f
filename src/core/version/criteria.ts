import { compareForMatch } from './compare.ts';

/** Bits of an operator: whether it matches lower, equal and higher versions. */
const LT = 4;
const EQ = 2;
const GT = 1;
const BITS = { '=': EQ, '<': LT, '>': GT, '<=': LT | EQ, '>=': GT | EQ } as const;

/** A criterion on a version, as in `name (>= 1.2)`. */
export interface Criterion {
  readonly op: keyof typeof BITS;
  readonly version: string;
}

/** Returns whether a provided name with criterion `provided` satisfies a requirement with criterion `wanted`: whether
 *  the two ranges share a version. A missing release matches any: `1.0-1` satisfies `(= 1.0)`. Source: libsolv
 *  src/pooldep.c `pool_intersect_evrs`. */
export function criteriaMeet(provided: Criterion, wanted: Criterion): boolean {
  const p = BITS[provided.op];
  const w = BITS[wanted.op];
  if ((p & w & (LT | GT)) !== 0) return true; // both unbounded in the same direction
  if (provided.version === wanted.version) return (p & w & EQ) !== 0;
  switch (compareForMatch(provided.version, wanted.version)) {
    case -2:
      return (p & EQ) !== 0;
    case -1:
      return (w & LT) !== 0 || (p & GT) !== 0;
    case 0:
      return (p & w & EQ) !== 0;
    case 1:
      return (w & GT) !== 0 || (p & LT) !== 0;
    default:
      return (w & EQ) !== 0;
  }
}

/** Returns whether a version satisfies a criterion, as for obsoletes. Every operator matches a version without a
 *  release when the criterion has one. Source: libsolv src/pooldep.c `pool_match_nevr_rel`. */
export function versionMeets(version: string, wanted: Criterion): boolean {
  const w = BITS[wanted.op];
  if (version === wanted.version) return (w & EQ) !== 0;
  switch (compareForMatch(version, wanted.version)) {
    case -2:
      return true;
    case -1:
      return (w & LT) !== 0;
    case 1:
      return (w & GT) !== 0;
    default:
      return (w & EQ) !== 0;
  }
}
