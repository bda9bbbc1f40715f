import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as library from '../../src/index.ts';
import { CygstrapError } from '../../src/errors.ts';

const INDEX = resolve('fixtures/demo/setup.ini');
const context = { cacheDirectory: null, env: {} } as const;

let base = '';
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'cygstrap-errors-'));
  writeFileSync(join(base, 'text'), 'neither an index nor a lock\n');
  mkdirSync(join(base, 'empty'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Three things that are not what an operation needs: nothing, a directory, and a file with another content. */
const WRONG = { missing: 'missing', directory: 'empty', text: 'text' } as const;

/** Calls of operations with a wrong file or directory. */
const CALLS: Readonly<Record<string, (wrong: string) => Promise<unknown>>> = {
  loadCatalog: (wrong) => library.loadCatalog(wrong, context),
  // A text that is not an index has findings, not an error.
  lintIndex: async (wrong) => {
    const { errors } = await library.lintIndex(wrong, context);
    if (errors > 0) throw new CygstrapError('parse', 'findings');
  },
  loadFromSites: (wrong) => library.loadFromSites({ sites: [wrong], unsigned: true }, context),
  loadProject: async (wrong) => library.loadProject(wrong),
  'loadFromSites, keyring': (wrong) => library.loadFromSites({ sites: [base], keyring: [wrong] }, context),
  readLock: (wrong) => library.readLock(wrong),
  checkLock: (wrong) => library.checkLock({ lock: wrong }),
  changeProject: async (wrong) =>
    library.changeProject(await library.loadCatalog(INDEX, context), { file: wrong, add: ['vim'] }),
  listSettings: (wrong) => library.listSettings({ config: wrong }, context),
  'makeReport, lock': (wrong) => library.makeReport({ kind: 'lock', lock: wrong }, context),
  'makeReport, repo': (wrong) => library.makeReport({ kind: 'repo', repo: wrong }, context),
  saveReport: (wrong) => library.saveReport(join(wrong, 'missing/report.html'), ''),
  fetchRepo: (wrong) => library.fetchRepo({ repo: join(base, 'repo'), packages: ['vim'], sites: [wrong] }, context),
  'fetchRepo, lock': (wrong) =>
    library.fetchRepo({ repo: join(base, 'repo'), lock: wrong, frozen: true, sites: [base] }, context),
  verifyRepo: (wrong) => library.verifyRepo({ repo: wrong }, context),
  pruneRepo: (wrong) => library.pruneRepo({ repo: wrong }, context),
  makeBundle: (wrong) => library.makeBundle({ repo: base, lock: wrong, out: join(base, 'out.tar') }),
  applyBundle: (wrong) => library.applyBundle({ bundle: wrong, repo: join(base, 'repo') }),
  makeMedia: (wrong) => library.makeMedia({ repo: base, lock: wrong, out: join(base, 'media') }, context),
  inspectMedia: (wrong) => library.inspectMedia({ iso: wrong }, context),
  prepareWindows: (wrong) => library.prepareWindows({ iso: wrong }, context),
  listSites: (wrong) => library.listSites({ list: wrong }, context),
  serveRepo: (wrong) => library.serveRepo({ repo: base, lock: wrong }),
  installRepo: (wrong) => library.installRepo({ repo: base, root: join(base, 'root'), lock: wrong }),
};

describe.each(Object.entries(CALLS))('%s', (name, call) => {
  test.each(Object.entries(WRONG))('%s: a CygstrapError with a message', async (kind, path) => {
    const outcome = await call(join(base, path)).then(
      () => 'done',
      (error: unknown) => error,
    );
    // An empty directory can be pruned, and is a repo without files to verify.
    if (outcome === 'done') expect([name, kind]).toEqual([expect.stringMatching(/^(verify|prune)Repo$/), 'directory']);
    else {
      expect(outcome).toBeInstanceOf(CygstrapError);
      expect((outcome as CygstrapError).message).not.toBe('');
    }
  });
});

describe('values that cannot be', () => {
  test.each<[string, () => unknown]>([
    ['an address', () => library.openSite('ftp://example.org/')],
    ['a port', () => library.serveRepo({ repo: base, port: 99_999 })],
    ['jobs', () => library.fetchRepo({ repo: base, packages: ['vim'], sites: [base], jobs: 0 })],
    ['jobs with a fraction', () => library.runMany([], { jobs: 1.5, onOutcome: async () => {} })],
    ['a guest kind', () => library.prepareVm({ directory: base, guest: 'nothing' })],
    ['a stage', () => library.removeStages(['abc'], { directory: base })],
    ['a machine to view', () => library.viewVm({}, { directory: base })],
    ['evidence', () => library.packEvidence({ stage: 'abc' }, { directory: base, env: {} })],
    ['a regular expression', () => library.regularExpression('(')],
    ['an index as text', () => library.parseText('@', { file: 'setup.ini' })],
    ['a lock as text', () => library.parseLock('{}', 'lock')],
  ])('%s: a CygstrapError', async (_, call) => {
    const error = await Promise.resolve()
      .then(call)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CygstrapError);
  });
});
