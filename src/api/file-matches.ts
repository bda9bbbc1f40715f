import type { CatalogVersion } from '../core/catalog/versions.ts';
import { byteOrder } from '../core/version/byte-order.ts';
import { CygstrapError } from '../errors.ts';
import type { ArchiveMember } from '../input/archive-members.ts';
import { pathTest } from './file-pattern.ts';
import type { PathTest } from './file-pattern.ts';
import { listed } from './file-results.ts';
import type { FileMatch, FileSearchResult, UnsearchedPackage } from './file-results.ts';

/** Most matches of a search. */
const MOST_MATCHES = 100_000;

/** Collects the files of packages that match a pattern. */
export class FileMatches {
  readonly #pattern: string;
  readonly #isWanted: PathTest;
  readonly #most: number;
  readonly #matches: FileMatch[] = [];
  readonly #unsearched: UnsearchedPackage[] = [];
  #searched = 0;

  private constructor(pattern: string, isWanted: PathTest, most: number) {
    this.#pattern = pattern;
    this.#isWanted = isWanted;
    this.#most = most;
  }

  /** Throws `usage` for an invalid pattern. */
  static async of(pattern: string, most = MOST_MATCHES): Promise<FileMatches> {
    return new FileMatches(pattern, await pathTest(pattern), most);
  }

  /** Adds the files of a package that match; directories do not. Throws `limit` for too many. */
  search({ name, version }: CatalogVersion, members: readonly ArchiveMember[]): void {
    this.#searched++;
    for (const member of members) {
      const file = listed(member);
      if (file.type === 'directory' || !this.#isWanted(file.path)) continue;
      if (this.#matches.length === this.#most)
        throw new CygstrapError('limit', `more than ${this.#most} files match \`${this.#pattern}\``, {
          hint: 'give more of the path',
        });
      this.#matches.push({ name, version, ...file });
    }
  }

  /** Adds a package whose files are not known; without `why`, the repo does not have its archive. */
  skip({ name, version }: CatalogVersion, why?: string): void {
    this.#unsearched.push({ name, version, ...(why !== undefined && { why }) });
  }

  /** Returns what was added, in order. */
  result(): Pick<FileSearchResult, 'matches' | 'searched' | 'unsearched'> {
    return {
      matches: this.#matches.sort((a, b) => byteOrder(a.name, b.name) || byteOrder(a.path, b.path)),
      searched: this.#searched,
      unsearched: this.#unsearched.sort((a, b) => byteOrder(a.name, b.name)),
    };
  }
}
