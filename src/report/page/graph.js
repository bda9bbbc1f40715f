/** The requirements between the packages of a report. Every method takes and returns numbers of packages. */
export class PackageGraph {
  #requires;
  #requiredBy;
  #roots;
  /** Requirements on a shortest chain from a root to each package; Infinity if no root leads to it. */
  #distance;

  constructor(packages) {
    this.#requires = packages.map(({ requires }) => requires);
    this.#requiredBy = packages.map(() => []);
    for (const { index, requires } of packages) for (const to of requires) this.#requiredBy[to].push(index);
    const isRoot = ({ reason }) => reason === 'requested' || reason === 'base';
    const asked = packages.filter(isRoot);
    // Nothing is requested of a repo: it starts at what no other package requires.
    const roots = asked.length > 0 ? asked : packages.filter(({ index }) => this.#requiredBy[index].length === 0);
    this.#roots = roots.map(({ index }) => index);
    this.#distance = this.#distances(this.#roots, -1);
  }

  requiredBy(index) {
    return this.#requiredBy[index];
  }

  isRoot(index) {
    return this.#distance[index] === 0;
  }

  /** Returns the packages that require a package and are one step nearer to a root. */
  towardsRoots(index) {
    const nearer = this.#distance[index] - 1;
    return this.#requiredBy[index].filter((from) => this.#distance[from] === nearer);
  }

  /** Returns everything that a package requires, directly or not. */
  brings(index) {
    const distance = this.#distances([index], -1);
    return this.#indexes((each) => each !== index && distance[each] < Infinity);
  }

  /** Returns what no root leads to if a package is left out. */
  goesWithout(index) {
    const without = this.#distances(this.#roots, index);
    return this.#indexes((each) => each !== index && this.#distance[each] < Infinity && without[each] === Infinity);
  }

  #indexes(isWanted) {
    return this.#requires.map((_, index) => index).filter(isWanted);
  }

  #distances(starts, omitted) {
    const distance = this.#requires.map(() => Infinity);
    const queue = starts.filter((start) => start !== omitted);
    for (const start of queue) distance[start] = 0;
    for (const from of queue) {
      for (const to of this.#requires[from]) {
        if (to === omitted || distance[to] < Infinity) continue;
        distance[to] = distance[from] + 1;
        queue.push(to);
      }
    }
    return distance;
  }
}
