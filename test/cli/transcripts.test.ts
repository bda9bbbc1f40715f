import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT, existingOf, parseTranscript, printTranscript, runCommand } from '../support/transcript.ts';

const FOLDER = join(PROJECT, 'fixtures/cli');

describe.each(
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.txt'))
    .sort(),
)('%s', (name) => {
  for (const item of parseTranscript(readFileSync(join(FOLDER, name), 'utf8'))) {
    test.concurrent(`line ${item.line}: ${item.command}`, async () => {
      const outcome = await runCommand(item.command, item.stdin);
      expect(printTranscript(item, outcome)).toBe(printTranscript(item, item));
      expect(existingOf(item.absent)).toEqual([]);
    });
  }
});

test.each([
  ['an unknown line', '$ cygstrap\nexit 0\noutput x\n'],
  ['no exit code', '$ cygstrap\nstdout x\n'],
  ['nothing asserted', '$ cygstrap\nexit 0\n'],
  ['no command', '# empty\n'],
])('a transcript with %s is refused', (_name, source) => {
  expect(() => parseTranscript(source)).toThrow();
});
