import { resolve } from 'node:path';
import type { SiteEntry } from '../core/config/config.ts';
import type { Report } from '../events.ts';
import type { RepoFile } from '../repo/files/file.ts';
import { layoutOf } from '../repo/repo.ts';
import { Store } from '../repo/store.ts';
import type { SiteOptions } from '../site/open-site.ts';
import { DEFAULTS } from './defaults.ts';
import { failureOf, fetchFiles } from './fetch-files.ts';
import { openGroup } from './load-from-sites.ts';

export interface RepairOptions {
  /** In order of preference. */
  readonly sites: readonly SiteEntry[];
  readonly siteOptions?: Partial<SiteOptions>;
  /** Transfers at a time; by default 16. */
  readonly jobs?: number;
  /** Directory in which repos share their archives; by default none. */
  readonly archiveCache?: string | undefined;
  readonly report?: Report;
  readonly signal?: AbortSignal;
}

/** Fetches damaged or missing files of a repo again. Throws `fetch` with every file that could not be fetched; the
 *  others are repaired then. */
export async function repairRepo(
  repo: string,
  files: readonly RepoFile[],
  {
    sites,
    siteOptions = {},
    jobs = DEFAULTS.jobs,
    archiveCache,
    report = () => {},
    signal = new AbortController().signal,
  }: RepairOptions,
): Promise<void> {
  const root = resolve(repo);
  const group = openGroup(sites, siteOptions, report);
  try {
    const store = await Store.open(root, layoutOf(root), {
      report,
      signal,
      ...(archiveCache === undefined ? {} : { cacheDir: archiveCache }),
    });
    try {
      store.requireFree(await store.presence(files, { signal }));
      await store.reserve(files);
      report({
        kind: 'fetch-start',
        files: files.length,
        sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        presentFiles: 0,
        presentBytes: 0,
      });
      const outcome = await fetchFiles(
        store,
        files.map((file) => ({ file, sites: group })),
        { jobs, report, signal },
      );
      if (outcome.failed.length + outcome.untried.length > 0) throw failureOf(outcome);
    } finally {
      await store.close();
    }
  } finally {
    await group.close();
  }
}
