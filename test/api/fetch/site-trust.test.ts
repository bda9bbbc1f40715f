import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { siteGroups } from '../../../src/api/site-groups.ts';
import { fetchRepo } from '../../../src/api/fetch.ts';
import type { SiteEntry } from '../../../src/core/config/config.ts';
import { FaultServer } from '../../support/fault-server.ts';
import type { Script } from '../../support/fault-server.ts';
import { fault } from '../../support/faults.ts';
import { runMain } from '../../support/main.ts';
import type { Run } from '../../support/main.ts';
import { indexOf, siteOf } from '../../support/signed-site.ts';
import { craftKey } from '../../trust/support.ts';

const MAIN_KEY = craftKey('RSA');
const OVERLAY_KEY = craftKey('RSA');
const MAIN = { name: 'tool' };
const OVERLAY = { name: 'mytool', release: 'overlay' };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-trust-'));
  writeFileSync(join(dir, 'main.gpg'), MAIN_KEY.file);
  writeFileSync(join(dir, 'overlay.gpg'), OVERLAY_KEY.file);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function serve(script: Script): Promise<string> {
  const server = await FaultServer.start(script);
  onTestFinished(() => server.close());
  return server.url;
}

/** A site whose index was changed after it was signed. */
function tampered(key = MAIN_KEY): Script {
  return { ...siteOf(MAIN, key), '/x86_64/setup.ini': fault.serve(indexOf({ ...MAIN, timestamp: 1_800_000_000 })) };
}

/** `cygstrap fetch` with the key of the main site for all sites without keys of their own. */
async function fetch(...argv: readonly string[]): Promise<Run & { readonly signers: readonly string[] }> {
  const lock = join(dir, 'lock.json');
  const common = ['--no-base', '--repo', join(dir, 'repo'), '--lock', lock, '--keyring', join(dir, 'main.gpg')];
  const done = await runMain(['fetch', ...argv, ...common], join(dir, 'cache'));
  const { indexes } = (done.exit === 0 ? JSON.parse(readFileSync(lock, 'utf8')) : { indexes: [] }) as {
    indexes: readonly { readonly signer: string }[];
  };
  return { ...done, signers: indexes.map(({ signer }) => signer) };
}

function project(sites: readonly SiteEntry[], addSites: readonly SiteEntry[]): string {
  const file = join(dir, 'cygstrap.json');
  writeFileSync(file, JSON.stringify({ packages: ['tool', 'mytool'], sites, addSites }));
  return file;
}

describe('an unsigned site beside a signed one', () => {
  test.each([
    ['added by --unsigned-site alone', (overlay: string): string[] => ['--unsigned-site', overlay]],
    [
      'named by --add-site too',
      (overlay: string): string[] => ['--add-site', `${overlay}/`, '--unsigned-site', overlay],
    ],
  ])('%s: the lock records the signer of each index', async (_name, argv) => {
    const [main, overlay] = [await serve(siteOf(MAIN, MAIN_KEY)), await serve(siteOf(OVERLAY))];
    const { exit, signers, stderr } = await fetch('tool', 'mytool', '--site', main, ...argv(overlay));
    expect({ exit, signers }).toEqual({ exit: 0, signers: [MAIN_KEY.fingerprint, 'unsigned'] });
    expect(stderr).toContain(`\`${overlay}/x86_64/setup.ini\` is UNSIGNED and was not verified: it has no signature`);
    expect(stderr).not.toContain(`\`${main}/x86_64/setup.ini\` is UNSIGNED`);
  });

  test('does not lower the guard for the signed one', async () => {
    const overlay = await serve(siteOf(OVERLAY));
    for (const script of [tampered(), siteOf(MAIN), siteOf(MAIN, OVERLAY_KEY)]) {
      const main = await serve(script);
      const { exit, stderr } = await fetch('tool', 'mytool', '--site', main, '--unsigned-site', overlay);
      expect({ exit, stderr }).toMatchObject({ exit: 1, stderr: expect.stringContaining(`${main}/x86_64/setup.ini`) });
    }
  });

  test('--unsigned for several indexes is refused, with a hint', async () => {
    const argv = ['--site', 'http://127.0.0.1:9/', '--add-site', 'http://127.0.0.1:9/more/', '--unsigned'];
    const { exit, stderr } = await fetch('tool', ...argv);
    expect(exit).toBe(2);
    expect(stderr).toContain('`--unsigned` cannot be combined with several sites that have their own index');
    expect(stderr).toContain('hint: name the site whose index is unsigned: `--unsigned-site ADDRESS`');
  });
});

describe.each([
  ['--unsigned', (site: string): string[] => ['--site', site, '--unsigned']],
  ['--unsigned-site', (site: string): string[] => ['--unsigned-site', site]],
])('%s', (_name, argv) => {
  test('refuses an index that a trusted key signed otherwise, and does not suggest itself', async () => {
    const { exit, stderr } = await fetch('tool', ...argv(await serve(tampered())));
    expect(exit).toBe(1);
    expect(stderr).toContain(`it differs from the file that key ${MAIN_KEY.keyId} signed`);
    expect(stderr).toContain('hint: use another mirror');
    expect(stderr).not.toContain('--unsigned');
  });

  test('announces a well-signed index as signed', async () => {
    const { exit, signers, stdout, stderr } = await fetch('tool', ...argv(await serve(siteOf(MAIN, MAIN_KEY))));
    expect({ exit, signers }).toEqual({ exit: 0, signers: [MAIN_KEY.fingerprint] });
    expect(stdout + stderr).not.toContain('UNSIGNED');
  });

  test('accepts an index that only an unknown key signed, as unsigned', async () => {
    const { exit, signers, stderr } = await fetch('tool', ...argv(await serve(siteOf(MAIN, OVERLAY_KEY))));
    expect({ exit, signers }).toEqual({ exit: 0, signers: ['unsigned'] });
    expect(stderr).toContain(`UNSIGNED and was not verified: it is signed by key ${OVERLAY_KEY.keyId}`);
  });
});

describe('keys of a site in the project file', () => {
  const both = async (main: Script, overlay: Script): Promise<Awaited<ReturnType<typeof fetch>>> => {
    const [mainSite, overlaySite] = [await serve(main), await serve(overlay)];
    const file = project([mainSite], [{ address: overlaySite, keys: ['overlay.gpg'] }]);
    return fetch('--config', file);
  };

  test('count for this site', async () => {
    const { exit, signers, stderr } = await both(siteOf(MAIN, MAIN_KEY), siteOf(OVERLAY, OVERLAY_KEY));
    expect({ exit, signers }, stderr).toEqual({ exit: 0, signers: [MAIN_KEY.fingerprint, OVERLAY_KEY.fingerprint] });
  });

  test('count for no other site, and no other key counts for this one', async () => {
    for (const [main, overlay] of [
      [siteOf(MAIN, OVERLAY_KEY), siteOf(OVERLAY, OVERLAY_KEY)],
      [siteOf(MAIN, MAIN_KEY), siteOf(OVERLAY, MAIN_KEY)],
    ] as const) {
      const { exit, stderr } = await both(main, overlay);
      expect({ exit, stderr }).toMatchObject({ exit: 1, stderr: expect.stringContaining('not in the keyring') });
    }
  });

  test('stay with the address when the command line names it', async () => {
    const overlay = await serve(siteOf(OVERLAY, OVERLAY_KEY));
    const file = project([], [{ address: `${overlay}/`, keys: ['overlay.gpg'] }]);
    expect((await fetch('mytool', '--config', file, '--site', overlay, '--add-site', overlay)).exit).toBe(0);
    rmSync(join(dir, 'lock.json'));
    rmSync(join(dir, 'repo'), { recursive: true });
    expect((await fetch('mytool', '--site', overlay)).exit).toBe(1);
  });

  test('"unsigned": true accepts an unsigned index of this site only', async () => {
    const [main, overlay] = [await serve(siteOf(MAIN, MAIN_KEY)), await serve(siteOf(OVERLAY))];
    const done = await fetch('--config', project([main], [{ address: overlay, unsigned: true }]));
    expect(done).toMatchObject({ exit: 0, signers: [MAIN_KEY.fingerprint, 'unsigned'] });
    rmSync(join(dir, 'lock.json'));
    rmSync(join(dir, 'repo'), { recursive: true });
    const unsignedMain = await serve(siteOf(MAIN));
    expect((await fetch('--config', project([unsignedMain], [{ address: overlay, unsigned: true }]))).exit).toBe(1);
  });

  test('each mirror of one content has its own trust', async () => {
    const [first, second] = [await serve(siteOf(MAIN)), await serve(siteOf(MAIN, MAIN_KEY))];
    const request = { all: true, repo: join(dir, 'repo'), keyring: [join(dir, 'main.gpg')] };
    const signersFrom = async (sites: readonly SiteEntry[]): Promise<unknown> => {
      const result = await fetchRepo({ ...request, sites });
      return result.kind === 'conflict' ? result : result.signers;
    };
    expect(await signersFrom([first, { address: second, unsigned: true }])).toEqual([MAIN_KEY.fingerprint]);
    expect(await signersFrom([{ address: first, unsigned: true }, second])).toEqual(['unsigned']);
  });
});

describe('groups of sites', () => {
  const given = { site: [], addSite: [], unsignedSite: [] };

  test('the command line replaces each list of the project file; the trust of an address stays', () => {
    const config = { sites: [{ address: 'https://a/', keys: ['k'] }, 'https://b/'], addSites: ['https://c/'] };
    expect(siteGroups(given, config)).toEqual([config.sites, ['https://c/']]);
    expect(siteGroups({ ...given, site: ['https://a'] }, config)).toEqual([[config.sites[0]], ['https://c/']]);
    expect(siteGroups({ ...given, addSite: ['d'], unsignedSite: ['https://a', 'e'] }, config)).toEqual([
      [{ address: 'https://a/', keys: ['k'], unsigned: true }, 'https://b/'],
      ['d'],
      [{ address: 'e', unsigned: true }],
    ]);
  });

  test('a mirror is required, or a single unsigned site', () => {
    expect(siteGroups({ ...given, unsignedSite: ['e'] }, {})).toEqual([[{ address: 'e', unsigned: true }]]);
    expect(() => siteGroups(given, {})).toThrow('no site is given');
    expect(() => siteGroups({ ...given, addSite: ['d'], unsignedSite: ['e'] }, {})).toThrow('no site is given');
  });
});
