/** A package of a made-up index; names in the fields are as setup.ini writes them. */
export interface MadePackage {
  readonly name: string;
  readonly version?: string;
  readonly requires?: readonly string[];
  readonly provides?: readonly string[];
  readonly conflicts?: readonly string[];
  readonly obsoletes?: readonly string[];
}

const DIGEST = 'a'.repeat(128);

/** Writes packages as the text of an index, all in category X; several versions of a package stand together. */
export function indexText(packages: readonly MadePackage[]): string {
  const header = 'release: cygwin\narch: x86_64\nsetup-timestamp: 1735689600\nsetup-version: 2.937\n';
  const seen = new Set<string>();
  return header + packages.map((pkg) => blockText(pkg, seen)).join('');
}

function blockText(pkg: MadePackage, seen: Set<string>): string {
  const { name, version = '1-1' } = pkg;
  const head = seen.has(name) ? '[prev]\n' : `\n@ ${name}\nsdesc: "made up"\ncategory: X\n`;
  seen.add(name);
  const list = (key: string, names: readonly string[] = []): string =>
    names.length === 0 ? '' : `${key}: ${names.join(', ')}\n`;
  return (
    `${head}version: ${version}\ninstall: x86_64/release/${name}/${name}-${version}.tar.xz 10 ${DIGEST}\n` +
    list('depends2', pkg.requires) +
    list('provides', pkg.provides) +
    list('conflicts', pkg.conflicts) +
    list('obsoletes', pkg.obsoletes)
  );
}

/** Pigeons that need a hole each, with fewer holes or as many. Proofs that there are too few are exponential in their
 *  number. The pigeons are named `pig0`, `pig1`, ... */
export function pigeons(count: number, holes: number): MadePackage[] {
  return [...Array(count).keys()].flatMap((pigeon): MadePackage[] => [
    { name: `pig${pigeon}`, requires: [`slot${pigeon}`] },
    ...[...Array(holes).keys()].map((hole) => ({
      name: `h${pigeon}x${hole}`,
      provides: [`slot${pigeon}`],
      conflicts: [...Array(pigeon).keys()].map((other) => `h${other}x${hole}`),
    })),
  ]);
}

/** Clauses as packages: a literal is a package `tN` or `fN` that provides the clauses it satisfies, and `all` requires
 *  every clause.
 *  @param clauses lists of N + 1 or -(N + 1) */
export function clausePackages(variables: number, clauses: readonly (readonly number[])[]): MadePackage[] {
  const satisfied = (literal: number): string[] =>
    clauses.flatMap((clause, i) => (clause.includes(literal) ? [`c${i}`] : []));
  return [
    ...[...Array(variables).keys()].flatMap((n): MadePackage[] => [
      { name: `t${n}`, provides: satisfied(n + 1), conflicts: [`f${n}`] },
      { name: `f${n}`, provides: satisfied(-n - 1) },
    ]),
    { name: 'all', requires: clauses.map((_, i) => `c${i}`) },
  ];
}

/** Random clauses of three literals each. At about 4.26 clauses for each variable they are hardest.
 *  @param random returns numbers from 0 to 1 (excluded) */
export function randomClauses(variables: number, count: number, random: () => number): number[][] {
  return Array.from({ length: count }, () => {
    const chosen = new Set<number>();
    while (chosen.size < 3) chosen.add(Math.floor(random() * variables) + 1);
    return [...chosen].map((variable) => (random() < 0.5 ? variable : -variable));
  });
}

/** Returns a generator of random numbers from 0 to 1 (excluded), the same ones for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
