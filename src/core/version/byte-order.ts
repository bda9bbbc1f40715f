/** Compares two texts by the bytes of their UTF-8 form: the same order on every system and in every locale. Returns a
 *  negative number, 0 or a positive number. */
export function byteOrder(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (left !== right) return unitRank(left) - unitRank(right);
  }
  return a.length - b.length;
}

/** Surrogates encode code points above U+FFFF, but are themselves below U+E000. */
function unitRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
