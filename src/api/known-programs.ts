import type { Catalog } from '../core/catalog/catalog.ts';
import type { Programs } from '../core/resolve/plan.ts';
import { MemberCache } from '../input/member-cache.ts';
import { cacheDirectoryOf } from './context.ts';
import type { OperationContext } from './context.ts';
import { forEach } from './for-each.ts';
import { CACHED_AT_ONCE } from './repo-lists.ts';

/** Finds the packages that have a program of a name that no package has, by the lists of files in the cache:
 *  those of the current versions whose archives `listFiles` or `findFiles` has read. Reads no list if each name is one
 *  of a package. Throws the reason of the signal only. */
export async function knownPrograms(
  catalog: Catalog,
  names: readonly string[],
  context: OperationContext,
): Promise<Programs> {
  const programs = new Map<string, Set<string>>();
  for (const name of names) if (!catalog.packages.has(name)) programs.set(name, new Set());
  const directory = cacheDirectoryOf(context, 'lists');
  if (programs.size === 0 || directory === undefined) return programs;
  const { report = () => {}, signal } = context;
  const cache = new MemberCache(directory, (message) => report({ kind: 'note', message }));
  const digests = await cache.digests();
  const listed = [...catalog.packages.values()].flatMap((pkg) => {
    const sha512 = catalog.current(pkg)?.archive.sha512;
    return sha512 !== undefined && digests.has(sha512) ? [{ name: pkg.name, sha512 }] : [];
  });
  await forEach(listed, CACHED_AT_ONCE, signal, async ({ name, sha512 }) => {
    for (const { path, type } of (await cache.read(sha512)) ?? []) {
      const program = type === 'directory' ? undefined : PROGRAM.exec(path)?.[1];
      if (program !== undefined) programs.get(program)?.add(name);
    }
  });
  return programs;
}

/** A file that can be started by its name alone; Windows adds `.exe`. */
const PROGRAM = /^(?:usr\/)?s?bin\/([^/]+?)(?:\.exe)?$/;
