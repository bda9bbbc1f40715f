/** Returns the known names that are most similar to an unknown one, best first: equal without case, then with few
 *  edits. */
export function didYouMean(name: string, known: Iterable<string>, limit = 3): string[] {
  const lower = name.toLowerCase();
  return [...known]
    .flatMap((candidate) => {
      const distance = fewEdits(lower, candidate.toLowerCase());
      return distance === undefined ? [] : [{ name: candidate, distance }];
    })
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map((each) => each.name);
}

/** Returns the number of edits between two texts; undefined if it is more than a third of the first. */
export function fewEdits(a: string, b: string): number | undefined {
  const worst = Math.max(1, Math.floor(a.length / 3));
  if (Math.abs(a.length - b.length) > worst) return undefined;
  const distance = editDistance(a, b, worst);
  return distance > worst ? undefined : distance;
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
