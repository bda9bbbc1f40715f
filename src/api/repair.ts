import { resolve } from 'node:path';
import type { SiteEntry } from '../core/config/config.ts';
import type { RepoFile } from '../repo/files/file.ts';
import { layoutOf } from '../repo/repo.ts';
import { Store } from '../repo/store.ts';
import { cacheDirectoryOf } from './context.ts';
import type { SiteContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { failureOf, fetchFiles } from './fetch-files.ts';
import { requireJobs } from './jobs.ts';
import { openGroup } from './load-from-sites.ts';

export interface RepairRequest {
  readonly repo: string;
  /** The files to fetch again, as `filesToRepair` returns them. */
  readonly files: readonly RepoFile[];
  /** Mirrors, in order of preference. Default: `DEFAULTS.site`. */
  readonly sites?: readonly SiteEntry[] | undefined;
  /** Transfers at a time; by default 16. */
  readonly jobs?: number | undefined;
}

/** Fetches damaged or missing files of a repo again. Throws `fetch` with every file that could not be fetched; the
 *  others are repaired then. */
export async function repairRepo(
  { repo, files, sites = [DEFAULTS.site], jobs = DEFAULTS.jobs }: RepairRequest,
  context: SiteContext = {},
): Promise<void> {
  const { report = () => {}, signal = new AbortController().signal } = context;
  requireJobs(jobs);
  const root = resolve(repo);
  const cacheDir = cacheDirectoryOf(context, 'archives');
  const group = openGroup(sites, context);
  try {
    const store = await Store.open(root, layoutOf(root), {
      report,
      signal,
      ...(cacheDir === undefined ? {} : { cacheDir }),
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
