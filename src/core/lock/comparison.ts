import type { Archive, PackageRecord } from '../setup-ini/records.ts';
import { filesOf } from './files.ts';
import type { Lock, LockedFile, LockedPackage, LockedSource } from './lock.ts';

/** Compares a lock with an index, whose records are added in any number of parts. A file that the index does not list
 *  is no contradiction: the index can be newer than the lock. */
export class LockComparison {
  readonly #files: readonly (LockedPackage | LockedSource)[];
  /** What the index lists at the paths of the lock: `NAME VERSION` and the archive. */
  readonly #listed: ReadonlyMap<string, { readonly owner: string; readonly archive: Archive }[]>;

  constructor({ packages }: Pick<Lock, 'packages'>) {
    this.#files = packages.flatMap(filesOf);
    this.#listed = new Map(this.#files.map(({ path }) => [path, []]));
  }

  /** Adds records of the index. */
  add(records: readonly PackageRecord[]): void {
    for (const { name, versions } of records) {
      for (const { version, install, source } of versions) {
        if (install !== undefined) this.#addFile(name, version, install);
        if (source !== undefined) this.#addFile(source.packageName, source.version, source.archive);
      }
    }
  }

  /** Returns one sentence for each locked file that the index lists for another package or version, and for each
   *  without a digest that has one in the index. */
  contradictions(): string[] {
    const sentences = this.#files.flatMap((file) => {
      const listed = this.#listed.get(file.path) ?? [];
      const [first] = listed;
      if (first === undefined) return [];
      const owner = `${file.name} ${file.version}`;
      if (!listed.some((one) => one.owner === owner))
        return [`\`${file.path}\` is locked as \`${owner}\`, but the index lists it as \`${first.owner}\``];
      return hasDigest(file) || !listed.some(({ archive }) => hasDigest(archive))
        ? []
        : [`\`${file.path}\` is locked without the digest that the index lists`];
    });
    return [...new Set(sentences)];
  }

  #addFile(name: string, version: string, archive: Archive): void {
    this.#listed.get(archive.path)?.push({ owner: `${name} ${version}`, archive });
  }
}

function hasDigest({ sha512, md5 }: Pick<LockedFile, 'sha512' | 'md5'>): boolean {
  return sha512 !== undefined || md5 !== undefined;
}
