import { expect, test } from 'vitest';
import type { ConsoleMarker } from '../../src/guest/console-markers.ts';
import { FINDING_KINDS } from '../../src/guest/finding.ts';
import type { Finding } from '../../src/guest/finding.ts';
import { refusalOf, reportOf } from '../../src/stages/install-report.ts';

const MISSING: Finding = { kind: 'missing', subject: 'gcc-g++', text: 'lock: 13.4.0-1; not installed' };
const POSTINSTALL: Finding = {
  kind: 'postinstall',
  subject: 'ca-certificates',
  text: 'ca-certificates.sh: exit code 1',
};

const finding = (each: Finding): ConsoleMarker => ({ kind: 'finding', finding: each });
const verdict = (findings: number, packages = 5): ConsoleMarker => ({
  kind: 'verdict',
  verdict: { findings, packages },
});
const stage: ConsoleMarker = { kind: 'stage', name: 'verify' };

function judge(markers: readonly ConsoleMarker[], postinstallFailures: readonly string[] = []) {
  const result = reportOf(markers, { packages: 5, postinstallFailures });
  return { ...result, refusal: refusalOf(result) };
}

test('no findings', () => {
  const { report, refusal } = judge([stage, verdict(0), { kind: 'installed', nonce: 'n' }]);
  expect(report).toEqual({
    schema: 1,
    isComplete: true,
    packages: { locked: 5, compared: 5 },
    counts: { findings: 0, allowed: 0 },
    findings: [],
  });
  expect(refusal).toBeUndefined();
});

test.each([
  ['no verdict', [stage], 'the check of the packages printed no verdict'],
  ['no verdict after the first', [verdict(0), finding(POSTINSTALL)], 'the check of the packages printed no verdict'],
  ['a lost line', [finding(POSTINSTALL), verdict(2)], 'the check printed 2 findings, and 1 arrived: lines were lost'],
  ['packages left out', [finding(POSTINSTALL), verdict(1, 4)], 'the check compared 4 packages, and the lock has 5'],
])('an incomplete check: %s', (_title, markers, reason) => {
  const { report, refusal } = judge(markers, ['ca-certificates']);
  expect(report.isComplete).toBe(false);
  expect(refusal?.reason).toBe(reason);
});

test('only the last check counts', () => {
  const { report, refusal } = judge([finding(MISSING), verdict(1), stage, verdict(0)]);
  expect(report.findings).toEqual([]);
  expect(refusal).toBeUndefined();
  expect(judge([verdict(0), finding(MISSING), verdict(1)]).report.findings).toMatchObject([MISSING]);
});

test('an allowed failure of a postinstall script, and no other finding about the package', () => {
  const incomplete: Finding = { kind: 'incomplete', subject: 'ca-certificates', text: 'Missing file: /etc/pki' };
  const allowed = judge([finding(POSTINSTALL), verdict(1)], ['ca-certificates']);
  expect(allowed.report.counts).toEqual({ findings: 1, allowed: 1 });
  expect(allowed.report.findings).toMatchObject([{ ...POSTINSTALL, isAllowed: true }]);
  expect(allowed.refusal).toBeUndefined();
  expect(judge([finding(POSTINSTALL), verdict(1)], ['bash']).refusal?.hint).toBe(
    'if you know that the failure does no harm, repeat with `--allow-postinstall-failure ca-certificates`',
  );
  const both = judge([finding(POSTINSTALL), finding(incomplete), verdict(2)], ['ca-certificates']);
  expect(both.refusal?.reason).toBe(
    'the installed packages differ from the lock, 1 finding:\n  - incomplete ca-certificates: Missing file: /etc/pki',
  );
});

test('the message has at most ten findings, and a count', () => {
  const many = Array.from({ length: 30 }, (_, i): Finding => ({ ...MISSING, subject: `lib${i}` }));
  const { report, refusal } = judge([...many.map(finding), verdict(31)]);
  expect(report.findings).toHaveLength(30);
  const [title, ...list] = refusal?.reason.split('\n') ?? [];
  expect(title).toBe('the installed packages differ from the lock, 30 findings:');
  expect(list).toHaveLength(11);
  expect(list[0]).toBe('  - missing lib0: lock: 13.4.0-1; not installed');
  expect(list[10]).toBe('  - 21 more, see report.json in the evidence');
});

test('each kind of finding has an explanation, and each kind in the log its own', () => {
  const all = [
    ...FINDING_KINDS.map((kind): Finding => ({ kind, subject: 'x', text: '' })),
    { kind: 'log', subject: 'no-log', text: '' } as const,
  ];
  const { report } = judge([...all.map(finding), verdict(all.length)]);
  for (const { meaning, advice } of report.findings) expect(meaning + advice).toMatch(/^[ -~]{20,}$/);
  expect(new Set(report.findings.filter(({ kind }) => kind === 'log').map(({ meaning }) => meaning)).size).toBe(2);
});
