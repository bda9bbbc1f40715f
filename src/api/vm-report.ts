import { pageHtml } from '../report/page.ts';
import { listStageEntries } from '../stages/stage-store.ts';
import type { Manifest } from '../stages/manifest.ts';
import { readTimes } from '../stages/times.ts';
import type { Times } from '../stages/times.ts';
import { guestKind } from './guest-kinds.ts';
import { pageParts } from './report-page.ts';
import { placesOfVm } from './vm-context.ts';
import type { VmDirectory } from './vm-context.ts';

export interface VmReportRequest extends VmDirectory {
  /** Guest kind of the stages; by default all. */
  readonly guest?: string | undefined;
}

/** Times of stages and runs, oldest first, and the page that shows them. */
export interface VmReport {
  readonly times: readonly Times[];
  /** One HTML file that needs no other file and no network. */
  readonly text: string;
}

/** Makes a page with the times of all stages and of the last 500 runs of each snapshot. A stage whose times were not
 *  recorded has its duration only. Throws `usage` for an unknown guest kind, and `io`. */
export async function makeVmReport(request: VmReportRequest = {}): Promise<VmReport> {
  const guest = request.guest === undefined ? undefined : guestKind(request.guest);
  const places = placesOfVm(request);
  const recorded = await readTimes(places);
  const done = new Set(recorded.flatMap(({ activity, key, end }) => (end === 'done' ? [`${activity} ${key}`] : [])));
  const others = (await listStageEntries(places)).flatMap(({ stage, key, manifest }) =>
    manifest === undefined || done.has(`${stage} ${key}`) ? [] : [timesIn(manifest)],
  );
  const times = [...recorded, ...others]
    .filter((each) => guest === undefined || each.guest === guest.name)
    .sort((a, b) => a.startedMs - b.startedMs);
  return { times, text: pageHtml({ times }, await pageParts('vm-report')) };
}

function timesIn(manifest: Manifest): Times {
  const { stage, key, guest, made } = manifest;
  const endMs = Date.parse(manifest.stage === 'install' ? manifest.made.installed : manifest.made.saved);
  return {
    activity: stage,
    key,
    guest,
    startedMs: Math.max(0, endMs - made.durationMs),
    durationMs: made.durationMs,
    end: 'done',
    code: null,
    isCold: false,
    firstOutputMs: null,
    phases: [],
  };
}
