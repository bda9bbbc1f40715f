import { compareForMatch } from './compare.ts';

/** Bits of an operator: what it admits besides. */
const LT = 4;
const EQ = 2;
const GT = 1;
const BITS = { '=': EQ, '<': LT, '>': GT, '<=': LT | EQ, '>=': GT | EQ } as const;

/** A criterion on a version, as in `name (>= 1.2)`. */
export interface Criterion {
  readonly op: keyof typeof BITS;
  readonly version: string;
}

/** Whether something that provides `provided` meets what asks for `wanted`: whether the two ranges share a version.
 *  A release left out on either side matches any: `(= 1.0)` is met by `1.0-1`.
 *  Source: libsolv src/pooldep.c `pool_intersect_evrs`. */
export function criteriaMeet(provided: Criterion, wanted: Criterion): boolean {
  const p = BITS[provided.op];
  const w = BITS[wanted.op];
  if ((p & w & (LT | GT)) !== 0) return true; // both open to the same side
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

/** Whether one version itself meets a criterion, as obsoletes match the packages they name. Where the version has no
 *  release and the criterion has one, every operator matches.
 *  Source: libsolv src/pooldep.c `pool_match_nevr_rel`. */
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
