import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROJECT, runCommand } from '../support/transcript.ts';

const INDEX = '../shared/data/setup-ini/2025-08-02_x86_64_setup.xz';
const path = join(PROJECT, INDEX);

describe.skipIf(!existsSync(path))(`the real index of 2025 (skipped without ${INDEX})`, () => {
  let folder = '';
  const cached = (command: string): string => `export XDG_CACHE_HOME='${folder}'; ${command}`;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cygstrap-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('prints the same plan from the file, from the cache and from stdin', async () => {
    const fresh = await runCommand(cached(`cygstrap resolve gcc-core openssh --json --index ${INDEX}`));
    const again = await runCommand(cached(`cygstrap resolve gcc-core openssh --json --verbose --index ${INDEX}`));
    const piped = await runCommand(cached(`cygstrap resolve gcc-core openssh --json --no-cache --index - < ${INDEX}`));
    expect(fresh).toMatchObject({ exit: 0, stderr: '' });
    expect(again.stdout).toBe(fresh.stdout);
    expect(again.stderr).toContain('from the cache');
    expect(JSON.parse(piped.stdout).packages).toEqual(JSON.parse(fresh.stdout).packages);
    const { index, packages, totals } = JSON.parse(fresh.stdout);
    expect(index).toEqual({
      name: INDEX,
      release: 'cygwin',
      arch: 'x86_64',
      timestamp: 1754175977,
      setupVersion: '2.934',
      sha512: createHash('sha512').update(readFileSync(path)).digest('hex'),
    });
    expect(packages).toHaveLength(totals.packages);
    expect(packages.map((each: { name: string }) => each.name)).toEqual(
      expect.arrayContaining(['gcc-core', 'openssh', 'cygwin', 'bash']),
    );
  });

  test('why prints a chain for every package of a plan', async () => {
    const { stdout } = await runCommand(cached(`cygstrap resolve openssh --json --index ${INDEX}`));
    for (const { name } of JSON.parse(stdout).packages.slice(0, 5)) {
      const { exit, stdout: text } = await runCommand(cached(`cygstrap why ${name} openssh --index ${INDEX}`));
      expect({ exit, text }).toEqual({ exit: 0, text: expect.stringMatching(/^\S+ \S+ \[(base|requested)\]\n/) });
    }
  });

  test('a batch has one answer for each line', async () => {
    const requests = ['{"packages":["vim"]}', '{"packages":["no-such"]}', '{"categories":["Devel"],"base":false}'];
    const { stdout } = await runCommand(
      cached(`cygstrap resolve --batch - --index ${INDEX}`),
      requests.map((line) => `${line}\n`).join(''),
    );
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(answers.map((answer) => answer.error?.code ?? 'plan')).toEqual(['plan', 'unsolvable', 'plan']);
    expect(answers[2].totals.packages).toBeGreaterThan(1000);
  });
});
