import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { VmContext } from '../../src/api/vm-context.ts';
import { runEach } from '../../src/cli/commands/vm-run-each.ts';
import { Output } from '../../src/cli/terminal/output.ts';
import type { SnapshotManifest } from '../../src/stages/manifest.ts';
import { temporaryDirectory } from '../repo/support.ts';

/** Runs a file of command lines, none of which can start: the directory for `--store` does not exist. */
async function run(lines: string, json: boolean): Promise<{ exit: number; out: string; error: string; each: string }> {
  const each = join(temporaryDirectory(), 'commands.txt');
  writeFileSync(each, lines);
  const host = { stdin: Readable.from([]), stdout: new PassThrough(), stderr: new PassThrough(), env: {} };
  const texts = Promise.all([text(host.stdout), text(host.stderr)]);
  const context = { report: () => {}, signal: new AbortController().signal } as unknown as VmContext;
  const snapshot = { guest: 'stand-in' } as SnapshotManifest;
  const exit = await runEach(
    { host, output: new Output(host) },
    { json, jobs: 1 },
    { context, snapshot, request: { store: `${each}.none` }, each, junit: undefined },
  );
  host.stdout.end();
  host.stderr.end();
  const [out, error] = await texts;
  return { exit, out, error, each };
}

const LINES = '# first\n\ntrue\n\nfalse\n';

test('an error of a run names the line of the file', async () => {
  const { error, each } = await run(LINES, false);
  expect(error).toBe(
    [
      [1, 3],
      [2, 5],
    ]
      .map(([number, line]) => `error: [${number}] ${each}:${line}: --store does not exist: \`${each}.none\`\n`)
      .join(''),
  );
});

test('JSON has the number of the command, and its line in the file', async () => {
  const { out } = await run(LINES, true);
  const found = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(found).toMatchObject([
    { number: 1, line: 'true', lineNumber: 3 },
    { number: 2, line: 'false', lineNumber: 5 },
  ]);
});
