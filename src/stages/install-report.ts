import type { Report } from '../events.ts';
import { writeFileAtomically } from '../io/atomic-file.ts';
import type { ConsoleMarker, Verdict } from '../guest/console-markers.ts';
import { explain } from '../guest/cygwin/explain.ts';
import type { Explanation } from '../guest/cygwin/explain.ts';
import type { Finding } from '../guest/finding.ts';

const REPORT_SCHEMA = 1;

/** Findings in the message of a failed installation; `report.json` has all. */
const MOST_LINES = 10;

/** Advice in the hint of a failed installation. */
const MOST_ADVICE = 3;

/** What the guest found when it compared the installed packages with the lock: the content of `report.json`. */
export interface InstallReport {
  readonly schema: typeof REPORT_SCHEMA;
  /** Whether the guest printed a verdict, all findings arrived, and it compared all packages. */
  readonly isComplete: boolean;
  /** Number of packages of the lock, and of those that the guest compared. */
  readonly packages: { readonly locked: number; readonly compared: number };
  readonly counts: { readonly findings: number; readonly allowed: number };
  readonly findings: readonly ReportedFinding[];
}

export interface ReportedFinding extends Finding, Explanation {
  /** Whether the user allowed it. */
  readonly isAllowed: boolean;
}

/** Why an installation is refused, and what to do. */
interface Refusal {
  readonly reason: string;
  readonly hint: string | undefined;
}

export interface Expected {
  /** Number of packages of the lock. */
  readonly packages: number;
  /** Packages whose postinstall scripts may fail. */
  readonly postinstallFailures: readonly string[];
}

/** Judges the packages of an installation from the markers of its guest, and writes the report: to `accepted`, or to
 *  `refused`. Reports a warning for each allowed finding.
 *  @returns why the installation is refused, or undefined
 *  @throws errors of the system */
export async function judgePackages(
  markers: readonly ConsoleMarker[],
  expected: Expected,
  { accepted, refused, report }: { readonly accepted: string; readonly refused: string; readonly report: Report },
): Promise<Refusal | undefined> {
  const result = reportOf(markers, expected);
  const refusal = refusalOf(result);
  await writeFileAtomically(
    refusal === undefined ? accepted : refused,
    `${JSON.stringify(result.report, undefined, 2)}\n`,
    { mode: 0o600 },
  );
  for (const { subject, text, isAllowed } of result.report.findings)
    if (isAllowed) report({ kind: 'warning', message: `the postinstall script of ${subject} failed: ${text}` });
  return refusal;
}

/** Collects the findings of the last check from the markers of a guest. Pure.
 *  @returns the report, and the reasons why the check is incomplete, as text */
export function reportOf(
  markers: readonly ConsoleMarker[],
  { packages, postinstallFailures }: Expected,
): { readonly report: InstallReport; readonly gaps: readonly string[] } {
  const { findings, verdict } = lastCheck(markers);
  const gaps = gapsOf(findings.length, verdict, packages);
  const reported = findings.map((finding) => ({
    ...finding,
    ...explain(finding),
    isAllowed: finding.kind === 'postinstall' && postinstallFailures.includes(finding.subject),
  }));
  return {
    report: {
      schema: REPORT_SCHEMA,
      isComplete: gaps.length === 0,
      packages: { locked: packages, compared: verdict?.packages ?? 0 },
      counts: { findings: reported.length, allowed: reported.filter(({ isAllowed }) => isAllowed).length },
      findings: reported,
    },
    gaps,
  };
}

/** A guest that restarts can check twice. */
function lastCheck(markers: readonly ConsoleMarker[]): { findings: Finding[]; verdict: Verdict | undefined } {
  let findings: Finding[] = [];
  let verdict: Verdict | undefined;
  for (const marker of markers) {
    if (marker.kind === 'finding') {
      if (verdict !== undefined) findings = [];
      verdict = undefined;
      findings.push(marker.finding);
    } else if (marker.kind === 'verdict') {
      if (verdict !== undefined) findings = [];
      ({ verdict } = marker);
    }
  }
  return { findings, verdict };
}

function gapsOf(arrived: number, verdict: Verdict | undefined, packages: number): string[] {
  if (verdict === undefined) return ['the check of the packages printed no verdict'];
  const gaps: string[] = [];
  if (verdict.findings !== arrived)
    gaps.push(`the check printed ${verdict.findings} findings, and ${arrived} arrived: lines were lost`);
  if (verdict.packages !== packages)
    gaps.push(`the check compared ${verdict.packages} packages, and the lock has ${packages}`);
  return gaps;
}

/** Describes why an installation is refused. Pure.
 *  @returns the reason and the hint, or undefined for a complete report whose findings are all allowed */
export function refusalOf({ report: { findings }, gaps }: ReturnType<typeof reportOf>): Refusal | undefined {
  const refused = findings.filter(({ isAllowed }) => !isAllowed);
  if (refused.length === 0) return gaps.length === 0 ? undefined : { reason: gaps.join('; '), hint: undefined };
  const lines = [...refused.map(({ kind, subject, text }) => `${kind} ${subject}: ${text}`), ...gaps];
  const more = lines.length - MOST_LINES;
  const list = more > 0 ? [...lines.slice(0, MOST_LINES), `${more} more, see report.json in the evidence`] : lines;
  const advice = [...new Set(refused.map((finding) => finding.advice))].slice(0, MOST_ADVICE);
  const count = refused.length === 1 ? '1 finding' : `${refused.length} findings`;
  return {
    reason: `the installed packages differ from the lock, ${count}:\n${list.map((line) => `  - ${line}`).join('\n')}`,
    hint: advice.join('; '),
  };
}
