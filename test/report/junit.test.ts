import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { DOMParser } from '@xmldom/xmldom';
import type { Element } from '@xmldom/xmldom';
import { expect, onTestFinished, test } from 'vitest';
import type { VmContext } from '../../src/api/vm-context.ts';
import { JunitReport } from '../../src/api/vm-run-junit.ts';
import { runEach } from '../../src/cli/commands/vm-run-each.ts';
import { Output } from '../../src/cli/terminal/output.ts';
import { CygstrapError } from '../../src/errors.ts';
import { junitXml } from '../../src/report/junit.ts';
import type { SnapshotManifest } from '../../src/stages/manifest.ts';
import { runMain } from '../support/main.ts';

/** Parses XML strictly: any warning or error is thrown. */
function parse(xml: string): Element {
  const onError = (_level: string, message: string): never => {
    throw new Error(message);
  };
  const root = new DOMParser({ onError }).parseFromString(xml, 'text/xml').documentElement;
  if (root === null) throw new Error('no root');
  return root;
}

function attributesOf(element: Element): Record<string, string> {
  return Object.fromEntries(Array.from(element.attributes, ({ name, value }) => [name, value]));
}

const RESULT = { isCold: false, revivedMs: 100, durationMs: 1500, kept: null };

/** Makes a directory that is removed after the test. */
async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'junit-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

test('a report has a case per command line: success, failure, error, and one that did not end', async () => {
  const root = await directory();
  const file = join(root, 'junit.xml');
  const report = new JunitReport(file, 'lists/commands.txt', ['true', 'make "a&b"', 'sleep 9', 'never']);
  for (const number of [1, 2, 3]) report.start(number);
  report.addOutput(2, 'stdout', Buffer.from('one\r\n'));
  report.addOutput(2, 'stderr', Buffer.from('failed: <x>\n'));
  report.end({ number: 1, result: { ...RESULT, code: 0 } });
  report.end({ number: 2, result: { ...RESULT, code: 3 } });
  report.end({ number: 3, error: new CygstrapError('vm', 'QEMU ended:\n"core" dumped') });
  await report.save();

  expect(await readdir(root)).toEqual(['junit.xml']);
  const xml = await readFile(file, 'utf8');
  const suite = parse(xml).getElementsByTagName('testsuite').item(0);
  if (suite === null) throw new Error('no suite');
  expect(attributesOf(suite)).toMatchObject({
    name: 'commands.txt',
    tests: '4',
    failures: '1',
    errors: '1',
    skipped: '1',
  });
  const cases = Array.from(suite.getElementsByTagName('testcase'));
  expect(cases.map((each) => each.getAttribute('name'))).toEqual([
    '1: true',
    '2: make "a&b"',
    '3: sleep 9',
    '4: never',
  ]);
  expect(cases.slice(0, 2).map((each) => each.getAttribute('time'))).toEqual(['1.500', '1.500']);
  const children = cases.map((each) => Array.from(each.getElementsByTagName('*')));
  expect(children.map((all) => all.map(({ tagName }) => tagName))).toEqual([
    [],
    ['failure', 'system-out', 'system-err'],
    ['error'],
    ['skipped'],
  ]);
  expect(children[1]?.map(({ textContent }) => textContent)).toEqual(['', 'one\n', 'failed: <x>\n']);
  expect(children[1]?.[0]?.getAttribute('message')).toBe('exit code 3');
  expect(children[2]?.[0] && attributesOf(children[2][0])).toEqual({
    type: 'vm',
    message: 'QEMU ended:\n"core" dumped',
  });
});

test('no output makes XML that is not well-formed', () => {
  const all = Array.from({ length: 0x300 }, (_, code) => String.fromCharCode(code)).join('');
  const hostile = `${all}]]></system-out><!-- & &#0; \u{d800} \u{dfff} \ufffe\uffff \u001b[31mred\u001b[0m \u{1f600}`;
  const end = { seconds: 1, errorCode: 'guest', message: hostile };
  const xml = junitXml(hostile, [{ number: 1, line: hostile, end, stdout: hostile, stderr: hostile }]);
  // oxlint-disable-next-line no-control-regex -- XML forbids these characters
  expect(xml).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\p{Cs}\ufffe\uffff]|&#0;/u);
  const output = parse(xml).getElementsByTagName('system-out').item(0)?.textContent ?? '';
  expect(output.slice(output.indexOf(']]>'))).toBe(
    ']]></system-out><!-- & &#0;      red \u{1f600}'.replace(/ {6}/, '    '),
  );
});

test('the end of long output is kept, from the start of a character', async () => {
  const file = join(await directory(), 'junit.xml');
  const report = new JunitReport(file, 'list', ['yes']);
  report.start(1);
  // Each chunk ends within a character of four bytes.
  const chunk = Buffer.from('\u{1f600}'.repeat(25_000));
  report.addOutput(1, 'stdout', Buffer.from('x'));
  for (let from = 0; from < chunk.length; from += 777) report.addOutput(1, 'stdout', chunk.subarray(from, from + 777));
  report.addOutput(1, 'stdout', Buffer.from('end'));
  await report.save();
  const output =
    parse(await readFile(file, 'utf8'))
      .getElementsByTagName('system-out')
      .item(0)?.textContent ?? '';
  const [, omitted, text] = /^\((\d+) bytes omitted\)\n(.*)$/su.exec(output) ?? [];
  expect(text).toMatch(/^(\u{1f600})+end$/u);
  expect(Buffer.byteLength(text ?? '')).toBeLessThanOrEqual(64 * 1024);
  expect(Number(omitted) + Buffer.byteLength(text ?? '')).toBe(chunk.length + 4);
});

test('a report that cannot be written is an error of the system', async () => {
  const report = new JunitReport(join(await directory(), 'missing', 'junit.xml'), 'list', ['true']);
  await expect(report.save()).rejects.toMatchObject({ code: 'io' });
});

/** Runs two lines, which fail before a machine starts because their input directory is missing. */
async function runLines(signal: AbortSignal): Promise<{ readonly failure: unknown; readonly xml: string }> {
  const root = await directory();
  const [each, junit] = [join(root, 'lines'), join(root, 'junit.xml')];
  await writeFile(each, 'true\nfalse\n');
  const host = { stdin: Readable.from([]), stdout: new PassThrough(), stderr: new PassThrough().resume(), env: {} };
  const context = { signal, report: () => {} } as unknown as VmContext;
  const work = { context, snapshot: {} as SnapshotManifest, request: { input: join(root, 'missing') }, each, junit };
  const failure = await runEach({ host, output: new Output(host) }, { json: false, jobs: 1 }, work).catch(
    (error: unknown) => error,
  );
  return { failure, xml: await readFile(junit, 'utf8') };
}

test('vm run --each writes the results of all lines', async () => {
  const { failure, xml } = await runLines(new AbortController().signal);
  expect(failure).toBe(126);
  expect(xml).toMatch(/<testsuite name="lines" tests="2" failures="0" errors="2" skipped="0"/);
  expect(xml).toContain('<error type="usage" message="--in does not exist: ');
});

test('vm run --each writes the report after an interruption', async () => {
  const { failure, xml } = await runLines(AbortSignal.abort(new CygstrapError('interrupted', 'interrupted')));
  expect(failure).toMatchObject({ code: 'interrupted' });
  expect(xml).toMatch(/<testsuite name="lines" tests="2" failures="0" errors="0" skipped="2"/);
});

test('--junit without --each is a wrong command line', async () => {
  const { exit, stderr } = await runMain(['vm', 'run', '--junit', 'x.xml', '--', 'true'], tmpdir());
  expect(exit).toBe(2);
  expect(stderr).toContain('--junit needs --each');
});
