import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { PROJECT, runCommand } from './support/transcript.ts';

interface Example {
  readonly command: string;
  readonly output: string;
}

/** Commands of README's `console` blocks, each with the lines printed below it. */
function examples(): Example[] {
  const readme = readFileSync(join(PROJECT, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```console\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .filter((part) => part !== '')
      .map((part) => {
        const end = part.indexOf('\n');
        return { command: part.slice(0, end), output: part.slice(end + 1).replace(/\n$/, '') };
      }),
  );
}

// One after the other, in a directory where they may write.
const directory = mkdtempSync(join(tmpdir(), 'cygstrap-readme-'));
process.env['XDG_CACHE_HOME'] = join(directory, 'cache');
symlinkSync(join(PROJECT, 'fixtures'), join(directory, 'fixtures'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('README has examples', () => {
  expect(examples().length).toBeGreaterThanOrEqual(8);
});

test.each(examples().map((example) => [example.command, example.output] as const))(
  'README: %s',
  async (command, output) => {
    const { stdout, stderr } = await runCommand(command, '', directory);
    expect((stdout + stderr).replace(/\n$/, '')).toBe(output);
  },
);
