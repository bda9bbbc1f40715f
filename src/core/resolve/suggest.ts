/** Returns the known names that are most similar to an unknown one, best first: equal without case, then few edits,
 *  then the same beginning. */
export function didYouMean(name: string, known: Iterable<string>, limit = 3): string[] {
  const lower = name.toLowerCase();
  const worst = Math.max(1, Math.floor(name.length / 3));
  const found: { name: string; distance: number }[] = [];
  for (const candidate of known) {
    const other = candidate.toLowerCase();
    if (other === lower) found.push({ name: candidate, distance: 0 });
    else if (Math.abs(other.length - lower.length) <= worst) {
      const distance = editDistance(lower, other, worst);
      if (distance <= worst) found.push({ name: candidate, distance });
    } else if (lower.length >= 3 && other.startsWith(`${lower}-`))
      found.push({ name: candidate, distance: worst + other.length - lower.length });
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return found.slice(0, limit).map((each) => each.name);
}

/** Returns the number of edits (insert, delete, replace, swap neighbors) between two texts, or more than `worst` as
 *  soon as that is certain. */
function editDistance(a: string, b: string, worst: number): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    if (Math.min(...row) > worst) return worst + 1;
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
