import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { parseWords } from '../../src/cli/options/parse.ts';
import { emptyDirectory } from '../io/support.ts';
import { runCli } from '../support/run-cli.ts';

const HASH = 'a'.repeat(128);
const archive = (name: string): string => `version: 1-1\ninstall: x86_64/release/${name}.tar.xz 10 ${HASH}\n`;

async function indexOf(text: string): Promise<string> {
  const path = join(emptyDirectory(), 'setup.ini');
  await writeFile(path, text);
  return path;
}

describe('a package whose name begins with -', () => {
  test('is a name after -- in every command that takes names', () => {
    const takingNames = COMMANDS.filter(({ positionals }) => 'package' in positionals || 'packages' in positionals);
    expect(takingNames.map(({ name }) => name)).toEqual([
      'resolve',
      'why',
      'info',
      'files',
      'diff',
      'report',
      'init',
      'add',
      'remove',
      'lock',
      'update',
      'fetch',
    ]);
    for (const command of takingNames) {
      const before = command.name === 'diff' ? ['old', 'new'] : [];
      const { positionals } = parseWords(command, [
        ...before,
        '--',
        '-rf',
        ...('packages' in command.positionals ? ['--json'] : []),
      ]);
      expect([...positionals.values()].flat().slice(before.length), command.name).toEqual(
        'packages' in command.positionals ? ['-rf', '--json'] : ['-rf'],
      );
    }
  });

  test.each([
    [['info'], /^package: +-rf$/m],
    [['why'], /^-rf 1-1 \[base\]$/m],
    [['search'], /^-rf {2}1-1/m],
    [['resolve'], /^-rf +1-1 +curr +10 B +requested$/m],
  ])('%j', async (words, expected) => {
    const index = await indexOf(`@ -rf\ncategory: Base\n${archive('rf')}`);
    const { exit, stdout, stderr } = await runCli([...words, '--no-cache', '--index', index, '--', '-rf']);
    expect([exit, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(expected);
  });
});

describe('info', () => {
  const TEXT =
    '@ back\r\nsdesc: "back"\r\nldesc: "first\r\nsecond"\r\ncategory: Libs\r\nmessage: note "read\r\nthis"\r\n' +
    `replace-versions: 2.0-1 2.1-1\r\n${archive('back').replaceAll('\n', '\r\n')}`;

  test('shows message and withdrawn versions, and the lines of an index with CR LF', async () => {
    const { stdout } = await runCli(['info', 'back', '--no-cache', '--index', await indexOf(TEXT)]);
    expect(stdout).toContain('withdrawn:    2.0-1, 2.1-1\n\nfirst\nsecond\n\nmessage: read\nthis\n\n');
  });

  test('has them in JSON unchanged', async () => {
    const { stdout } = await runCli(['info', 'back', '--json', '--no-cache', '--index', await indexOf(TEXT)]);
    expect(JSON.parse(stdout)).toMatchObject({
      package: {
        ldesc: 'first\r\nsecond',
        message: { id: 'note', text: 'read\r\nthis' },
        replaceVersions: ['2.0-1', '2.1-1'],
      },
    });
  });
});
