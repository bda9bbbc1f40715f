import { createHash } from 'node:crypto';
import { diffLocks } from '../core/lock/diff.ts';
import { diffCatalogs } from '../core/resolve/diff.ts';
import type { Conflict } from '../core/resolve/plan.ts';
import { printableJson } from '../printable.ts';
import { cycloneDx } from '../report/cyclonedx.ts';
import { reportHtml } from '../report/page.ts';
import { reportOfLock, reportOfPlan, reportOfRepo } from '../report/page-data.ts';
import type { ReportData } from '../report/page-data.ts';
import { spdx } from '../report/spdx.ts';
import { resolveRequest } from './answer.ts';
import type { ResolveContext } from './answer.ts';
import { comparePlans } from './diff.ts';
import type { ReadingContext } from './context.ts';
import type { LoadedCatalog } from './load-catalog.ts';
import type { RequestFields } from './request-fields.ts';
import { readLock } from './lock-file.ts';
import { pageParts } from './report-page.ts';
import { loadRepo } from './repo-catalog.ts';
import { packageVersion } from './version.ts';

/** What a report is about. */
export type ReportSubject =
  | {
      readonly kind: 'plan';
      readonly loaded: LoadedCatalog;
      readonly request: RequestFields;
      /** The earlier indexes, for what changed. */
      readonly before?: LoadedCatalog | undefined;
    }
  | {
      readonly kind: 'lock';
      /** The lock file. */
      readonly lock: string;
      /** Indexes for the categories and requirements of the packages, which a lock does not have. */
      readonly loaded?: LoadedCatalog | undefined;
      /** The earlier lock file, for what changed. */
      readonly before?: string | undefined;
    }
  | { readonly kind: 'repo'; readonly repo: string; readonly before?: LoadedCatalog | undefined };

export interface ReportContext extends ResolveContext, ReadingContext {
  /** Default: `html`. */
  readonly format?: ReportFormat | undefined;
}

/** A page, or a software bill of materials in CycloneDX 1.6 or SPDX 2.3. */
export type ReportFormat = 'html' | 'cyclonedx' | 'spdx';

/** A report as one text, or the reason why the request has no plan. */
export type ReportResult =
  | { readonly kind: 'report'; readonly text: string; readonly packages: number }
  | {
      readonly kind: 'conflict';
      readonly conflicts: readonly Conflict[];
      /** `old`: the earlier indexes have no plan. */
      readonly side: 'old' | 'new';
    };

/** Makes a page with the sizes, reasons and changes of a plan, a lock or a repo, or a bill of materials. Throws
 *  `not-found`, `io`, `lock` and `repo`, and as {@link loadCatalog}. */
export async function makeReport(subject: ReportSubject, context: ReportContext = {}): Promise<ReportResult> {
  const data = await dataOf(subject, context);
  if ('conflicts' in data) return data;
  return { kind: 'report', text: await textOf(data, context.format ?? 'html'), packages: data.packages.length };
}

async function textOf(data: ReportData, format: ReportFormat): Promise<string> {
  if (format === 'html') return reportHtml(data, await pageParts('report'));
  // The same packages of the same index give the same bytes.
  const seconds = Math.max(0, ...data.indexes.map(({ timestamp }) => timestamp ?? 0));
  const facts = {
    version: packageVersion(),
    created: new Date(seconds * 1000).toISOString().replace('.000Z', 'Z'),
    digest: createHash('sha256').update(JSON.stringify(data)).digest('hex'),
  };
  return `${printableJson(format === 'spdx' ? spdx(data, facts) : cycloneDx(data, facts))}\n`;
}

async function dataOf(
  subject: ReportSubject,
  context: ReportContext,
): Promise<ReportData | Extract<ReportResult, { readonly kind: 'conflict' }>> {
  switch (subject.kind) {
    case 'plan':
      return planData(subject, context);
    case 'lock': {
      const lock = await readLock(subject.lock);
      const before = subject.before === undefined ? undefined : await readLock(subject.before);
      return reportOfLock(subject.lock, lock, subject.loaded?.catalog, before ? diffLocks(before, lock) : null);
    }
    case 'repo': {
      const { catalog } = (await loadRepo(subject.repo, undefined, context)).loaded;
      const { before } = subject;
      const difference = before && { ...diffCatalogs(before.catalog, catalog), downloadBytes: null };
      return reportOfRepo(subject.repo, catalog, difference ?? null);
    }
    default:
      return subject satisfies never;
  }
}

async function planData(
  { loaded, request, before }: ReportSubject & { kind: 'plan' },
  context: ReportContext,
): ReturnType<typeof dataOf> {
  if (before !== undefined) {
    const comparison = await comparePlans(before, loaded, request, context);
    return comparison.kind === 'conflict'
      ? comparison
      : reportOfPlan(loaded.catalog, comparison.after, comparison.difference);
  }
  const answer = await resolveRequest(loaded, request, context);
  return answer.kind === 'conflict' ? { ...answer, side: 'new' } : reportOfPlan(loaded.catalog, answer.plan, null);
}
