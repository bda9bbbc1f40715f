import { resolve } from 'node:path';
import { basename, dirname } from 'node:path/posix';
import { CygstrapError } from '../errors.ts';
import { indexesInForce } from '../repo/index-files.ts';
import { inspectRepo } from '../repo/repo.ts';
import type { ReadingContext } from './context.ts';
import { loadCatalog } from './load-catalog.ts';
import type { LoadedCatalog } from './load-catalog.ts';

/** A repo and the catalog of its indexes. */
export interface RepoCatalog {
  /** Absolute path of the repo. */
  readonly root: string;
  readonly loaded: LoadedCatalog;
  /** Where the paths of each index start, relative to the root; '' for the root itself. */
  readonly bases: readonly string[];
}

/** Reads the indexes of a repo, or only those for one architecture. Throws `not-found` if it has none, `io`, `repo`,
 *  and as {@link loadCatalog}. */
export async function loadRepo(repo: string, arch: string | undefined, context: ReadingContext): Promise<RepoCatalog> {
  const root = resolve(repo);
  const all = indexesInForce(root, inspectRepo(root).bases);
  const indexes = all.filter(({ path }) => arch === undefined || basename(dirname(path)) === arch);
  if (indexes.length === 0) {
    const others = [...new Set(all.map(({ path }) => `\`--arch ${basename(dirname(path))}\``))];
    throw new CygstrapError('not-found', `\`${repo}\` has no index${arch === undefined ? '' : ` for \`${arch}\``}`, {
      hint: others.length > 0 ? `use ${others.join(' or ')}` : 'fill it with `cygstrap fetch`',
    });
  }
  const sources = indexes.map(({ location }) => location);
  return {
    root,
    loaded: await loadCatalog(sources, context),
    bases: indexes.map(({ path }) => dirname(dirname(path)).replace(/^\.$/, '')),
  };
}
