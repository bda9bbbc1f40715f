const TILDE = 126;
const CARET = 94;
const DASH = 45;
const COLON = 58;
const ZERO = 48;

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 57;
}

function isAlpha(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}

/** Compares two ranges of version text as RPM does: runs of digits or letters are compared in turn, other characters
 *  are separators. `~` sorts before the end of the text, `^` after it. Returns -1, 0 or 1. Source: libsolv src/evr.c
 *  `solv_vercmp_rpm`; fixtures/version/order.txt. */
function compareSegments(a: string, aStart: number, aEnd: number, b: string, bStart: number, bEnd: number): number {
  let i = aStart;
  let j = bStart;
  while (i < aEnd || j < bEnd) {
    let x = 0;
    let y = 0;
    while (i < aEnd && !isDigit((x = a.charCodeAt(i))) && !isAlpha(x) && x !== TILDE && x !== CARET) i++;
    while (j < bEnd && !isDigit((y = b.charCodeAt(j))) && !isAlpha(y) && y !== TILDE && y !== CARET) j++;
    const aHas = i < aEnd;
    const bHas = j < bEnd;
    // "tilde sorts before everything, even the end"
    if ((aHas && x === TILDE) || (bHas && y === TILDE)) {
      if (!aHas || x !== TILDE) return 1;
      if (!bHas || y !== TILDE) return -1;
      i++;
      j++;
      continue;
    }
    // "caret sorts after the end, before everything else"
    if ((aHas && x === CARET) || (bHas && y === CARET)) {
      if (!aHas) return -1;
      if (!bHas) return 1;
      if (x !== CARET) return 1;
      if (y !== CARET) return -1;
      i++;
      j++;
      continue;
    }
    if (!aHas || !bHas) break;
    let iEnd = i;
    let jEnd = j;
    if (isDigit(x) || isDigit(y)) {
      while (i < aEnd && a.charCodeAt(i) === ZERO) i++;
      while (j < bEnd && b.charCodeAt(j) === ZERO) j++;
      iEnd = i;
      jEnd = j;
      while (iEnd < aEnd && isDigit(a.charCodeAt(iEnd))) iEnd++;
      while (jEnd < bEnd && isDigit(b.charCodeAt(jEnd))) jEnd++;
      if (isDigit(x) !== isDigit(y)) return isDigit(x) ? 1 : -1; // "digits are newer than letters"
      if (iEnd - i !== jEnd - j) return iEnd - i > jEnd - j ? 1 : -1;
    } else {
      while (iEnd < aEnd && isAlpha(a.charCodeAt(iEnd))) iEnd++;
      while (jEnd < bEnd && isAlpha(b.charCodeAt(jEnd))) jEnd++;
    }
    while (i < iEnd && j < jEnd) {
      const d = a.charCodeAt(i) - b.charCodeAt(j);
      if (d !== 0) return d > 0 ? 1 : -1;
      i++;
      j++;
    }
    if (i < iEnd) return 1;
    if (j < jEnd) return -1;
  }
  return i < aEnd ? 1 : j < bEnd ? -1 : 0;
}

/** Returns the offset after `epoch:`, or 0 without an epoch. An epoch is one or more digits. */
function epochEnd(text: string): number {
  let i = 0;
  while (i < text.length && isDigit(text.charCodeAt(i))) i++;
  return i > 0 && text.charCodeAt(i) === COLON ? i + 1 : 0;
}

function isZeroEpoch(text: string, end: number): boolean {
  for (let i = 0; i < end - 1; i++) if (text.charCodeAt(i) !== ZERO) return false;
  return true;
}

/** Compares epoch and version, without the release. Returns -1, 0 or 1. */
function compareEpochAndVersion(
  a: string,
  aEpoch: number,
  aDash: number,
  b: string,
  bEpoch: number,
  bDash: number,
): number {
  if (aEpoch > 0 && bEpoch > 0) {
    const r = compareSegments(a, 0, aEpoch - 1, b, 0, bEpoch - 1);
    if (r !== 0) return r;
  } else if (aEpoch > 0) {
    if (!isZeroEpoch(a, aEpoch)) return 1;
  } else if (bEpoch > 0 && !isZeroEpoch(b, bEpoch)) return -1;
  return compareSegments(a, aEpoch, aDash < 0 ? a.length : aDash, b, bEpoch, bDash < 0 ? b.length : bDash);
}

/** Returns the offset of the `-` before the release: the last one after the epoch, or -1. */
function lastDash(text: string, from: number): number {
  const i = text.lastIndexOf('-');
  return i >= from && text.charCodeAt(i) === DASH ? i : -1;
}

/** Compares two versions `[epoch:]version[-release]`. Returns -1 when `a` is older, 0 when both are equal, else 1. A
 *  missing epoch is 0; a missing release is older than any release. A total preorder: 1.05 and 1.5 are equal. Never
 *  throws. Source: libsolv src/evr.c, EVRCMP_COMPARE with RPM semantics. */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const aEpoch = epochEnd(a);
  const bEpoch = epochEnd(b);
  const aDash = lastDash(a, aEpoch);
  const bDash = lastDash(b, bEpoch);
  const r = compareEpochAndVersion(a, aEpoch, aDash, b, bEpoch, bDash);
  if (r !== 0) return r;
  if (aDash < 0 || bDash < 0) return aDash < 0 ? (bDash < 0 ? 0 : -1) : 1;
  return compareSegments(a, aDash + 1, a.length, b, bDash + 1, b.length);
}

/** Compares versions for a criterion: like {@link compareVersions}, but a missing release matches any release. Returns
 *  -2 when only `a` has no release, 2 when only `b` has none. An empty release (`4-`) counts as missing. Source:
 *  libsolv src/evr.c, EVRCMP_MATCH_RELEASE. */
export function compareForMatch(a: string, b: string): number {
  if (a === b) return 0;
  const aEpoch = epochEnd(a);
  const bEpoch = epochEnd(b);
  const aDash = lastDash(a, aEpoch);
  const bDash = lastDash(b, bEpoch);
  const r = compareEpochAndVersion(a, aEpoch, aDash, b, bEpoch, bDash);
  if (r !== 0) return r;
  const aHas = aDash >= 0 && aDash + 1 < a.length;
  const bHas = bDash >= 0 && bDash + 1 < b.length;
  if (aHas && bHas) return compareSegments(a, aDash + 1, a.length, b, bDash + 1, b.length);
  return aHas ? 2 : bHas ? -2 : 0;
}
