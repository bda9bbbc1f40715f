import { fewEdits } from '../../similar.ts';
import type { CatalogPackage } from '../catalog/package.ts';

/** How a package can be like a name that a user typed, the most likely meaning first. */
const LIKENESS = [
  'case',
  'kind',
  'edges',
  'end',
  'program',
  'typo',
  'whole',
  'spelling',
  'description',
  'part',
] as const;

interface Like {
  readonly likeness: (typeof LIKENESS)[number];
  /** Of packages with the same likeness, the smallest is the most likely. */
  readonly distance: number;
}

/** Packages that are no suggestion: debug information, documentation, sources. */
const SIDE_PACKAGE = /-(?:debuginfo|doc|src)$/;

/** Packages for one language or editor; they are not suggested because of a word in their description. */
const BINDING = /^(?:emacs|gambas3|mingw64|perl|python\d*|R|ruby|texlive|vim)-/;

/** Packages that are suggested at most. */
const MOST_SUGGESTED = 3;

/** Returns the packages that a user may have meant by a name that no package has, the most likely first:
 *  1. the name in another case, or with other digits or hyphens;
 *  2. `NAME-core`; for `NAME-dev` the `-devel` package with that name, with `lib` and it, or of that source; also of
 *     the name without its version and its last words, as in `libcurl4-openssl-dev`;
 *  3. `NAME-...`, `libNAME`, short names that begin or end with the name, and before these `libNAME...` for a name
 *     with a number that belongs to a library, as in `gtk3`;
 *  4. `X-NAME`;
 *  5. packages with a program of the name;
 *  6. names that differ in one character;
 *  7. the name without its last or its first words, as in `vim-nox`;
 *  8. names that differ in few characters;
 *  9. packages whose description has the name as a word;
 *  10. `X-Y-NAME` and longer.
 *  The digits of a version at the end of the name can be missing, as in `gcc4`. Of equally likely packages, the one
 *  that the most others require is first. */
export function similarPackages(
  typed: string,
  packages: Iterable<CatalogPackage>,
  withProgram: ReadonlySet<string> = new Set(),
): string[] {
  const wanted = typed.toLowerCase();
  const word = new RegExp(String.raw`(?<![\w-])${typed.replaceAll(/\W/g, String.raw`\$&`)}(?![\w-])`);
  const all = [...packages].filter(({ name }) => !SIDE_PACKAGE.test(name));
  const named = all.flatMap((pkg) => {
    const like = likenessOf(wanted, pkg, withProgram);
    return like === undefined ? [] : [{ name: pkg.name, ...like }];
  });
  const others = all.filter(({ name }) => !BINDING.test(name) && !named.some((like) => like.name === name));
  const found = [...named, ...describedBy(word, others)];
  const best = Math.min(...found.map(({ likeness }) => LIKENESS.indexOf(likeness)));
  const requirers = requirersOf(new Set(found.map(({ name }) => name)), all);
  return found
    .filter(({ likeness }) => likeness === LIKENESS[best] || LIKENESS.indexOf(likeness) < WEAK)
    .sort(
      (a, b) =>
        LIKENESS.indexOf(a.likeness) - LIKENESS.indexOf(b.likeness) ||
        a.distance - b.distance ||
        (requirers.get(b.name) ?? 0) - (requirers.get(a.name) ?? 0) ||
        a.name.length - b.name.length ||
        (a.name < b.name ? -1 : 1),
    )
    .slice(0, MOST_SUGGESTED)
    .map(({ name }) => name);
}

/** From here on a likeness counts only if there is no better one. */
const WEAK = LIKENESS.indexOf('typo');

function likenessOf(wanted: string, pkg: CatalogPackage, withProgram: ReadonlySet<string>): Like | undefined {
  const like = nameLikeness(wanted, pkg);
  const isNamed = like !== undefined && LIKENESS.indexOf(like.likeness) < LIKENESS.indexOf('program');
  return isNamed || !withProgram.has(pkg.name) ? like : { likeness: 'program', distance: 0 };
}

function nameLikeness(wanted: string, pkg: CatalogPackage): Like | undefined {
  const name = pkg.name.toLowerCase();
  if (name === wanted) return { likeness: 'case', distance: 0 };
  if (name.replaceAll('-', '') === wanted.replaceAll('-', '')) return { likeness: 'case', distance: 0.5 };
  const letters = wanted.replaceAll(/\d/g, '');
  if (letters.length > 1 && name.replaceAll(/\d/g, '') === letters) return { likeness: 'case', distance: 1 };
  const distance = fewEdits(wanted, name);
  const like = [wanted, wanted.replace(/[\d.]+$/, '')]
    .map((base, i) => (base.length < 2 ? undefined : baseLikeness(base, name, pkg, i)))
    .find((each) => each !== undefined);
  if (like !== undefined && like.likeness !== 'part') return like;
  if (distance === 1) return { likeness: 'typo', distance };
  const dropped = wordsAround(name, wanted);
  if (dropped !== undefined) return { likeness: 'whole', distance: dropped };
  return distance === undefined ? like : { likeness: 'spelling', distance };
}

function baseLikeness(base: string, name: string, pkg: CatalogPackage, distance: number): Like | undefined {
  if (name === `${base}-core`) return { likeness: 'kind', distance };
  const rank = name.endsWith('-devel') ? headersRank(base, name, pkg) : -1;
  if (rank >= 0) return { likeness: 'kind', distance: distance + rank };
  if (/\d$/.test(base) && name.startsWith(`lib${base}`)) return { likeness: 'edges', distance: distance - 1 };
  const isShort = name.length <= base.length + 4;
  if (name.startsWith(`${base}-`) || name === `lib${base}`) return { likeness: 'edges', distance };
  if (isShort && (name.startsWith(base) || (name.endsWith(base) && !name.endsWith(`-${base}`))))
    return { likeness: 'edges', distance };
  if (!name.endsWith(`-${base}`)) return undefined;
  const others = name.split('-').length - base.split('-').length;
  return { likeness: others === 1 ? 'end' : 'part', distance: distance + others };
}

/** Returns how far a `-devel` package is from a wanted one: 0 for its name, with or without `lib` and digits; 1 for
 *  that of its source; then the same for the name without the version and without its last words. Returns -1 for
 *  another package. */
function headersRank(base: string, name: string, pkg: CatalogPackage): number {
  const [, full] = /^(?:lib(?=.{2}))?(.+)-dev(?:el)?$/.exec(base) ?? [];
  if (full === undefined) return -1;
  const words = full.split('-');
  const stems = words.flatMap((_word, i) => {
    const stem = words.slice(0, words.length - i).join('-');
    return [stem, stem.replace(/\d+[a-z]?$/, '')];
  });
  const source = pkg.versions[0]?.record.source?.archive.path ?? '';
  const bare = name.replace(/-devel$/, '').replace(/^lib(?=.{2})/, '');
  const ranks = stems.flatMap((stem) => [
    bare === stem || bare.replaceAll(/\d/g, '') === stem,
    source.includes(`/${stem}-`),
  ]);
  const rank = ranks.indexOf(true);
  // Of python3-devel and python39-devel, the one for every version is the most likely.
  return rank < 0 ? rank : rank + bare.replaceAll(/\D/g, '').length / 10;
}

/** Returns how many words a name has before and after another name that is a part of it; words in front count more.
 *  Returns undefined if it is no part. */
function wordsAround(part: string, whole: string): number | undefined {
  if (part.length < 3 || part.length >= whole.length) return undefined;
  if (whole.startsWith(`${part}-`)) return whole.slice(part.length + 1).split('-').length;
  return whole.endsWith(`-${part}`) ? whole.slice(0, -part.length - 1).split('-').length + 0.5 : undefined;
}

/** Returns the packages with a word in the description: first those with it in the summary, then those whose source has
 *  the most such packages, and of these the one that is named like its source. */
function describedBy(word: RegExp, packages: readonly CatalogPackage[]): (Like & { readonly name: string })[] {
  const described = packages.filter(({ sdesc, ldesc }) => word.test(sdesc) || word.test(ldesc));
  const counts = new Map<string, number>();
  for (const pkg of described) counts.set(sourceOf(pkg), (counts.get(sourceOf(pkg)) ?? 0) + 1);
  return described.map((pkg) => {
    const source = sourceOf(pkg);
    const first = word.test(pkg.sdesc) ? packages.length : 0;
    const own = source.endsWith(`/${pkg.name}`) ? 0.5 : 0;
    return { name: pkg.name, likeness: 'description', distance: -first - (counts.get(source) ?? 0) - own };
  });
}

/** Returns the directory of the source of a package, which is the same for all packages of one source. */
function sourceOf({ name, versions }: CatalogPackage): string {
  return versions[0]?.record.source?.archive.path.replace(/\/[^/]*$/, '') ?? name;
}

/** Counts the packages that require each of some packages. */
function requirersOf(names: ReadonlySet<string>, packages: readonly CatalogPackage[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { versions } of packages)
    for (const { name } of versions[0]?.record.depends ?? [])
      if (names.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
