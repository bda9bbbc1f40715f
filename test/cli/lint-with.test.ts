import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FaultServer } from '../support/fault-server.ts';
import { runMain } from '../support/main.ts';
import { siteOf } from '../support/signed-site.ts';
import { temporaryDirectory } from '../repo/support.ts';
import { craftKey } from '../trust/support.ts';

const KEY = craftKey('RSA');
const OVERLAY = `release: ours
arch: x86_64

@ ours
sdesc: "ours"
category: Utils
version: 1-1
install: x86_64/release/ours/ours-1-1.tar.xz 10 ${'0'.repeat(128)}
depends2: tool, nothing
`;

async function overlay(): Promise<{ readonly directory: string; readonly file: string; readonly site: string }> {
  const server = await FaultServer.start(siteOf({ name: 'tool' }, KEY));
  onTestFinished(() => server.close());
  const directory = temporaryDirectory();
  const file = join(directory, 'overlay.ini');
  writeFileSync(file, OVERLAY);
  writeFileSync(join(directory, 'key.gpg'), KEY.file);
  return { directory, file, site: server.url };
}

test('an index of a mirror, by its URL, provides what the other requires; its signature is checked', async () => {
  const { directory, file, site } = await overlay();
  const lint = ['lint', file, '--with', `${site}/x86_64/setup.ini`];
  expect(await runMain([...lint, '--keyring', join(directory, 'key.gpg'), '--quiet'], directory)).toEqual({
    exit: 0,
    stdout:
      `${file}:7:1: warning: \`ours 1-1\` requires \`nothing\`, which nothing provides [unmet-requirement]\n` +
      '0 errors, 1 warning\n',
    stderr: '',
  });
  expect(await runMain(lint, directory)).toMatchObject({ exit: 1, stdout: '' });
});

test('--site beside an index is refused, and not ignored', async () => {
  const { directory, file, site } = await overlay();
  expect(await runMain(['lint', file, '--site', site], directory)).toEqual({
    exit: 2,
    stdout: '',
    stderr: 'error: --site cannot be combined with <file>\nhint: name the index of a mirror with `--with URL`\n',
  });
});
