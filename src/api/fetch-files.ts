import pLimit from 'p-limit';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import type { RepoFile } from '../repo/files/file.ts';
import type { OpenSource } from '../repo/files/source.ts';
import { VerifyError } from '../repo/files/verify-error.ts';
import type { VerifiedFile } from '../repo/verified.ts';
import type { Store } from '../repo/store.ts';
import { FetchError, OFFLINE_HINT, WEB_PAGE_HINT } from '../site/base/fetch-error.ts';
import type { FetchErrorKind, SiteFailure } from '../site/base/fetch-error.ts';
import { encodingText } from '../site/base/site.ts';
import { Resumes } from '../site/resumes.ts';
import type { SiteSet } from '../site/site-set.ts';

/** A file and the sites to fetch it from. */
export interface WantedFile {
  readonly file: RepoFile;
  readonly sites: SiteSet;
}

/** A file that no site sent with the expected content. */
export interface FailedFile {
  readonly path: string;
  /** `missing` or `wrong-bytes`: no site has this content any more, or not yet. */
  readonly kind: FetchErrorKind;
  readonly why: string;
  /** The failure at each site that was tried. */
  readonly sites: readonly SiteFailure[];
}

export interface FetchFilesOptions {
  /** Number of concurrent transfers. */
  readonly jobs: number;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

export interface FetchedFiles {
  readonly fetched: readonly VerifiedFile[];
  readonly failed: readonly FailedFile[];
  /** Not tried after too many consecutive failures. */
  readonly untried: readonly RepoFile[];
}

/** Progress of a transfer is reported after this number of bytes, not after each chunk. */
const REPORTED_BYTES = 256 * 1024;

interface TransferOptions {
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** After this number of consecutive failures at the same sites no further transfer starts. Files that the sites do not
 *  have, and requests without network, do not count. */
const MAX_CONSECUTIVE_FAILURES = 24;

/** Fetches files into the store, several at a time, each from the first of its sites that sends the expected content.
 *  The files are durable after `store.sync`. Returns failures of sites; throws `interrupted` with the number of stored
 *  files, any other reason of the signal, and errors of the store such as a full disk. */
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
    if (either.aborted || failures >= MAX_CONSECUTIVE_FAILURES) {
      untried.push(one.file);
      return;
    }
    try {
      fetched.push(await transfer(store, one, { report, signal: either }));
      failuresInRow.set(one.sites, 0);
    } catch (error) {
      if (either.aborted) untried.push(one.file);
      else if (error instanceof FetchError) {
        failed.push({ path: one.file.path, kind: error.kind, why: error.message, sites: error.sites ?? [] });
        if (error.kind !== 'missing' && error.kind !== 'offline')
          failuresInRow.set(one.sites, (failuresInRow.get(one.sites) ?? 0) + 1);
      } else {
        isFatal = true;
        fatal = error;
        stop.abort(error);
      }
    }
  };

  const limit = pLimit(jobs);
  // The largest first: at the end, no connection waits for a large one alone.
  const queue = wanted.toSorted((a, b) => b.file.sizeBytes - a.file.sizeBytes);
  await Promise.all(queue.map((one) => limit(() => fetchOne(one))));
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
  const resumes = new Resumes();
  const start = performance.now();
  const verified = await sites.attempt(
    path,
    async (site) => {
      let receivedBytes = 0;
      const onBytes = (bytes: number): void => {
        receivedBytes += bytes;
        resumes.receive(site);
        if (receivedBytes < REPORTED_BYTES) return;
        report({ kind: 'transfer-bytes', path, receivedBytes });
        receivedBytes = 0;
      };
      let encoding: string | undefined;
      const open: OpenSource = async ({ fromByte, validator }) => {
        const download = await resumes.open(site, path, {
          signal,
          fromByte,
          ...(validator !== undefined && { validator }),
        });
        encoding = download.contentEncoding;
        report({ kind: 'transfer-start', path, site: site.name, sizeBytes, fromByte: download.startByte });
        return download;
      };
      const stored = await store.put(file, open, { signal, onBytes }).catch((error: unknown) => {
        resumes.fail(site, error);
        if (error instanceof VerifyError) error.message += encodingText(encoding);
        throw error;
      });
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
    `interrupted: ${fetched} of ${wanted} missing files are fetched and verified`,
    { hint: 'the same command continues from there' },
  );
}

/** The error for files that could not be fetched, each with its reasons; code `fetch`.
 *  @param lockedSeconds the time of the index of the lock, in seconds since 1970 */
export function failureOf({ failed, untried }: FetchedFiles, lockedSeconds?: number | null): CygstrapError {
  const lines = failed.map(({ why }) => `\n  - ${why}`).join('');
  const rest =
    untried.length === 0
      ? ''
      : `\n  - ${untried.length} more were not tried after ${MAX_CONSECUTIVE_FAILURES} consecutive failures`;
  const hint = failed.some(({ kind }) => kind === 'missing' || kind === 'wrong-bytes')
    ? goneHint(lockedSeconds ?? undefined)
    : failed.every(({ kind }) => kind === 'html')
      ? `${WEB_PAGE_HINT}; the other files are stored`
      : failed.some(({ kind }) => kind === 'offline')
        ? `${OFFLINE_HINT}; the other files are stored`
        : 'the other files are stored; run the same command again to fetch the rest, perhaps with another `--site`';
  return new CygstrapError(
    'fetch',
    `${failed.length + untried.length} of the files could not be fetched${lines}${rest}`,
    { hint, details: { failed, untried: untried.map(({ path }) => path) } },
  );
}

function goneHint(lockedSeconds: number | undefined): string {
  const date = lockedSeconds === undefined ? '' : new Date(lockedSeconds * 1000).toISOString().slice(0, 10);
  return (
    'mirrors keep only current and previous versions, and lack files during an update' +
    `${date === '' ? '' : `; this lock is from an index of ${date}`}: use another \`--site\`, a site with dated ` +
    'copies, or a repo or bundle that has the file, or lock current versions with `cygstrap update`; ' +
    'the other files are stored'
  );
}
