const TWO_63 = 2n ** 63n;
const MOST_UNSIGNED = 0xffff_ffff;

/** Parses a size in bytes like setup's atoi(): blanks, a sign, digits up to the first other character, cut to 32 bits.
 *  So `12abc` is 12 and 4294967297 is 1. A number beyond 63 bits saturates first, which gives -1 (or 0 with a minus).
 *  Source: cygwin-setup IniDBBuilderPackage.cc `buildPackageInstall`. */
export function sizeOf(text: string): number {
  const match = /^[ \t\n\v\f\r]*([+-]?)([0-9]+)/.exec(text);
  if (match === null) return 0;
  let value = BigInt(leadingDigits(match[2] ?? ''));
  if (match[1] === '-') value = value > TWO_63 ? -TWO_63 : -value;
  else if (value >= TWO_63) value = TWO_63 - 1n;
  return Number(BigInt.asIntN(32, value));
}

/** Cuts a number that is out of range, so that a million digits take no time. */
function leadingDigits(digits: string): string {
  return digits.replace(/^0+(?=.)/, '').slice(0, 24);
}

/** Parses a timestamp like strtoul() with base 0: 0x hexadecimal, leading 0 octal, else decimal. A negative number
 *  wraps; a number beyond 32 bits is 4294967295. Source: cygwin-setup IniDBBuilderPackage.cc `buildTimestamp`. */
export function timestampOf(text: string): number {
  const match = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)/.exec(text);
  const digits = match?.[2] ?? '0';
  let value = digits.startsWith('0') && !/^0x/i.test(digits) ? parseInt(digits, 8) : Number(digits);
  if (value > MOST_UNSIGNED) return MOST_UNSIGNED;
  if (match?.[1] === '-') value = -value >>> 0;
  return value;
}

/** Compares versions of setup itself: runs of digits as numbers, the rest as text, digits after non-digits. Of two
 *  equal beginnings the longer version is later. Package versions have another order: see `compareVersions`. Source:
 *  cygwin-setup csu_util/version_compare.cc. */
export function compareSetupVersions(a: string, b: string): number {
  const left = a.match(/[0-9]+|[^0-9]+/g) ?? [];
  const right = b.match(/[0-9]+|[^0-9]+/g) ?? [];
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) {
    const order = compareRuns(left[at] ?? '', right[at] ?? '');
    if (order !== 0) return order;
  }
  return Math.sign(left.length - right.length);
}

function compareRuns(a: string, b: string): number {
  const aDigits = /^[0-9]/.test(a);
  if (aDigits !== /^[0-9]/.test(b)) return aDigits ? 1 : -1;
  const x = aDigits ? a.replace(/^0+/, '') : a;
  const y = aDigits ? b.replace(/^0+/, '') : b;
  if (aDigits && x.length !== y.length) return x.length < y.length ? -1 : 1;
  if (x === y) return 0;
  return x < y ? -1 : 1;
}
