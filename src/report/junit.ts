import { withoutControls } from '../printable.ts';

/** The result of one command line, for {@link junitXml}. */
export interface JunitCase {
  /** Number of the command line, from 1. */
  readonly number: number;
  readonly line: string;
  /** Null for a command that did not end: it was not started or was interrupted. */
  readonly end: JunitEnd | null;
  /** What the command printed, or the end of it. */
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command ended, or why its machine failed. */
export type JunitEnd = { readonly seconds: number } & (
  { readonly code: number } | { readonly errorCode: string; readonly message: string }
);

/** Renders results as a report that CI services read: a test case per command line, a `failure` for an exit code other
 *  than 0, an `error` for a machine that failed. Escape sequences and characters that XML forbids are removed.
 *  @param suite name of the list of commands
 *  @returns XML with a line feed at its end */
export function junitXml(suite: string, cases: readonly JunitCase[]): string {
  const ends = cases.map(({ end }) => end);
  const counts = {
    tests: cases.length,
    failures: ends.filter((end) => end !== null && 'code' in end && end.code !== 0).length,
    errors: ends.filter((end) => end !== null && 'message' in end).length,
    skipped: ends.filter((end) => end === null).length,
    time: secondsText(ends.reduce((sum, end) => sum + (end?.seconds ?? 0), 0)),
  };
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${attributes(counts)}>\n` +
    `<testsuite${attributes({ name: suite, ...counts })}>\n` +
    cases.map((each) => caseXml(suite, each)).join('') +
    '</testsuite>\n</testsuites>\n'
  );
}

function caseXml(suite: string, { number, line, end, stdout, stderr }: JunitCase): string {
  const time = secondsText(end?.seconds ?? 0);
  return (
    `<testcase${attributes({ classname: suite, name: `${number}: ${line}`, time })}>\n` +
    endXml(end) +
    (stdout === '' ? '' : `<system-out>${xmlText(stdout)}</system-out>\n`) +
    (stderr === '' ? '' : `<system-err>${xmlText(stderr)}</system-err>\n`) +
    '</testcase>\n'
  );
}

function endXml(end: JunitEnd | null): string {
  if (end === null) return `<skipped${attributes({ message: 'not run, or interrupted' })}/>\n`;
  if ('message' in end) return `<error${attributes({ type: end.errorCode, message: end.message })}/>\n`;
  if (end.code === 0) return '';
  return `<failure${attributes({ type: 'exit-code', message: `exit code ${end.code}` })}/>\n`;
}

function secondsText(seconds: number): string {
  return seconds.toFixed(3);
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${xmlText(`${value}`).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')}"`)
    .join('');
}

/** Lone surrogates and the two noncharacters that XML 1.0 forbids; `withoutControls` removes the controls. */
const FORBIDDEN = /[\p{Cs}\ufffe\uffff]/gu;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function xmlText(text: string): string {
  return withoutControls(text)
    .replaceAll(FORBIDDEN, '')
    .replaceAll(/[&<>"]/g, (char) => ENTITIES[char] ?? '');
}
