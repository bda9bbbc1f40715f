import pLimit from 'p-limit';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import type { RepoFile } from '../repo/files/file.ts';
import type { VerifiedFile } from '../repo/verified.ts';
import type { Store } from '../repo/store.ts';
import { FetchError } from '../site/fetch-error.ts';
import type { SiteFailure } from '../site/fetch-error.ts';
import type { SiteSet } from '../site/site-set.ts';

/** A file, and the sites that have it. */
export interface WantedFile {
  readonly file: RepoFile;
  readonly sites: SiteSet;
}

/** A file that no site delivered as promised. */
export interface FailedFile {
  readonly path: string;
  readonly why: string;
  /** What became of it at each site that was asked. */
  readonly sites: readonly SiteFailure[];
}

export interface FetchFilesOptions {
  /** Transfers at a time. */
  readonly jobs: number;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

export interface FetchedFiles {
  readonly fetched: readonly VerifiedFile[];
  readonly failed: readonly FailedFile[];
  /** Not asked for after so many failures in a row that no site seems to be left. */
  readonly untried: readonly RepoFile[];
}

/** Bytes of a transfer are told of after so many, not after each chunk. */
const TOLD_BYTES = 256 * 1024;

interface TransferOptions {
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Files that fail one after the other at the same sites, without any success between, until no more are begun. Those that the
 *  sites do not have do not count. */
const HOPELESS_FILES = 24;

/** Fetches files into the store, several at a time, each from the first of its sites that delivers it. What came is durable
 *  after `store.sync`. Throws `interrupted` with what is kept (or any other reason of the signal), and what no site can mend (a full disk). */
export async function fetchFiles(
  store: Store,
  wanted: readonly WantedFile[],
  { jobs, report, signal }: FetchFilesOptions,
): Promise<FetchedFiles> {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const fetched: VerifiedFile[] = [];
  const failed: FailedFile[] = [];
  const untried: RepoFile[] = [];
  const failuresInRow = new Map<SiteSet, number>();
  let fatal: unknown;
  let isFatal = false;

  const fetchOne = async (one: WantedFile): Promise<void> => {
    const failures = failuresInRow.get(one.sites) ?? 0;
    if (either.aborted || failures >= HOPELESS_FILES) {
      untried.push(one.file);
      return;
    }
    try {
      fetched.push(await transfer(store, one, { report, signal: either }));
      failuresInRow.set(one.sites, 0);
    } catch (error) {
      if (either.aborted) untried.push(one.file);
      else if (error instanceof FetchError) {
        failed.push({ path: one.file.path, why: error.message, sites: error.sites ?? [] });
        if (error.kind !== 'missing') failuresInRow.set(one.sites, (failuresInRow.get(one.sites) ?? 0) + 1);
      } else {
        isFatal = true;
        fatal = error;
        stop.abort(error);
      }
    }
  };

  const limit = pLimit(jobs);
  await Promise.all(wanted.map((one) => limit(() => fetchOne(one))));
  if (isFatal) throw fatal;
  if (signal?.aborted === true) throw interruption(fetched.length, wanted.length, signal.reason);
  return { fetched, failed: failed.sort((a, b) => (a.path < b.path ? -1 : 1)), untried };
}

async function transfer(
  store: Store,
  { file, sites }: WantedFile,
  { report, signal }: TransferOptions,
): Promise<VerifiedFile> {
  const { path, sizeBytes } = file;
  const start = performance.now();
  const verified = await sites.attempt(
    path,
    async (site) => {
      let receivedBytes = 0;
      const onBytes = (bytes: number): void => {
        receivedBytes += bytes;
        if (receivedBytes < TOLD_BYTES) return;
        report({ kind: 'transfer-bytes', path, receivedBytes });
        receivedBytes = 0;
      };
      const stored = await store.put(
        file,
        async ({ fromByte, validator }) => {
          const download = await site.open(path, {
            signal,
            ...(fromByte > 0 && { fromByte }),
            ...(validator !== undefined && { validator }),
          });
          report({ kind: 'transfer-start', path, site: site.name, sizeBytes, fromByte: download.startByte });
          return download;
        },
        { signal, onBytes },
      );
      if (receivedBytes > 0) report({ kind: 'transfer-bytes', path, receivedBytes });
      return stored;
    },
    { signal },
  );
  report({ kind: 'transfer-done', path, sizeBytes, durationMs: performance.now() - start });
  return verified;
}

function interruption(fetched: number, wanted: number, reason: unknown): unknown {
  if (!(reason instanceof CygstrapError) || reason.code !== 'interrupted') return reason;
  return new CygstrapError(
    'interrupted',
    `interrupted: ${fetched} of ${wanted} missing files came, and are kept and verified`,
    { hint: 'the same command goes on from there' },
  );
}

/** Says what could not be fetched: every file with its reasons, code `fetch`. */
export function failureOf({ failed, untried }: FetchedFiles): CygstrapError {
  const lines = failed.map(({ why }) => `\n  - ${why}`).join('');
  const rest =
    untried.length === 0 ? '' : `\n  - ${untried.length} more were not tried after ${HOPELESS_FILES} failures in a row`;
  return new CygstrapError(
    'fetch',
    `${failed.length + untried.length} of the files could not be fetched${lines}${rest}`,
    {
      hint: 'what came is kept and verified; the same command fetches the rest, perhaps with another `--site`',
      details: { failed, untried: untried.map(({ path }) => path) },
    },
  );
}
