import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packEvidence } from '../../src/api/vm-evidence.ts';
import { recordFailure } from '../../src/stages/failure-record.ts';
import { logPaths, stagePath, vmPlaces } from '../../src/stages/layout.ts';
import { GuestError } from '../../src/guest/guest-error.ts';
import { runCommand } from '../support/transcript.ts';

const PASSWORD = 'Cy1-s3cr3t/+quoted"x';
const PRODUCT_KEY = 'ABCDE-12345-FGHIJ-67890-KLMNO';
const PASSWORD_HASH = '0123456789ABCDEF0123456789ABCDEF';
const PRIVATE_KEY = 'b3BlbnNzaC1rZXktdjEAAAA';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cyg-'));
  await mkdir(join(root, 'logs'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const places = (): ReturnType<typeof vmPlaces> => vmPlaces(root);
const context = (): Parameters<typeof packEvidence>[1] => ({ directory: root, env: process.env });

/** Everything that must not leave the computer, as it can occur in logs. */
function privateText(): string {
  const encoded = Buffer.from(`${PASSWORD}Password`, 'utf16le').toString('base64');
  return [
    `logon with ${PASSWORD}`,
    `hash ${PASSWORD_HASH} or ${PASSWORD_HASH.toLowerCase()}`,
    `<Password><Value>${encoded}</Value></Password>`,
    '<AdministratorPassword><Value>other-secret-1</Value></AdministratorPassword>',
    'AdminPassword = other-secret-2',
    `ProductKey=${PRODUCT_KEY}`,
    `key ${PRODUCT_KEY.toLowerCase()}.`,
    `-----BEGIN OPENSSH PRIVATE KEY-----\n${PRIVATE_KEY}\n-----END OPENSSH PRIVATE KEY-----`,
    'get https://me:other-secret-3@mirror.example/x86_64',
    'password: other-secret-4',
    `file ${join(homedir(), 'vm/disk.qcow2')}`,
    `file /media/${userInfo().username}/stick and C:\\Users\\${userInfo().username}\\x`,
    'harmless 12345-67890',
    '',
  ].join('\n');
}

async function filesOf(archive: string): Promise<Map<string, Buffer>> {
  const members = await unpackTar(gunzipSync(await readFile(archive)), { strict: true });
  return new Map(members.map(({ header, data = '' }) => [header.name, Buffer.from(data)]));
}

function expectNothingPrivate(bytes: Buffer): void {
  const all = bytes.toString('latin1').toLowerCase();
  const names = [
    PASSWORD,
    PASSWORD_HASH,
    'other-secret',
    PRODUCT_KEY,
    PRIVATE_KEY,
    `${homedir()}/vm`,
    `/${userInfo().username}/stick`,
  ];
  for (const secret of [...names, JSON.stringify(PASSWORD).slice(1, -1)])
    expect(all.includes(secret.toLowerCase()), secret).toBe(false);
  expect(all.includes(Buffer.from(PASSWORD, 'utf16le').toString('base64').slice(0, 24).toLowerCase())).toBe(false);
}

describe('vm evidence', () => {
  test('packs a failed installation without secrets', async () => {
    const logs = logPaths(places(), 'install', 'abc123');
    const stage = stagePath(places(), 'install', 'abc123');
    await Promise.all([mkdir(logs.setup), mkdir(stage, { recursive: true })]);
    await writeFile(join(stage, 'password'), `${PASSWORD}\n`);
    const line = `me:1000:${'X'.repeat(32)}:${PASSWORD_HASH}:[U          ]:LCT-6929AAAA:\n`;
    await writeFile(join(stage, 'smbpasswd'), line);
    await writeFile(join(stage, 'ssh.key'), PRIVATE_KEY);
    await writeFile(join(stage, 'stage.json'), JSON.stringify({ path: join(homedir(), 'vm'), text: privateText() }));
    await writeFile(logs.console, `\u001b[2J${privateText()}`);
    await writeFile(logs.screen, 'PNG');
    await writeFile(
      logs.failure,
      JSON.stringify({ commands: [`qemu -drive file=${homedir()}/vm/disk`, privateText()] }),
    );
    await writeFile(join(logs.setup, 'setuperr.log'), privateText());
    const out = join(root, 'e.tar.gz');
    const result = await packEvidence({ stage: 'abc', out }, context());
    expect(result).toMatchObject({ stage: 'install', key: 'abc123', archive: out });
    const files = await filesOf(out);
    expect([...files.keys()]).toEqual([
      'console.log',
      'doctor.json',
      'failure.json',
      'screen.png',
      'setup/setuperr.log',
      'stage.json',
      'versions.json',
    ]);
    expect(result.files.map(({ name }) => name)).toEqual([...files.keys()]);
    for (const bytes of files.values()) expectNothingPrivate(bytes);
    expectNothingPrivate(gunzipSync(await readFile(out)));
    const log = files.get('setup/setuperr.log')?.toString() ?? '';
    expect(log).toContain('file ~/vm/disk.qcow2\n');
    expect(log).toContain('<Password><Value>[removed]</Value></Password>');
    expect(log).toContain('https://mirror.example/x86_64\n');
    expect(log).toContain('harmless 12345-67890\n');
    expect(JSON.parse(files.get('versions.json')?.toString() ?? '')).toMatchObject({ node: process.version });
    await writeFile(join(root, 'logs', 'run-def.console.log'), privateText());
    const ofRun = join(root, 'run.tar.gz');
    await packEvidence({ stage: 'def', out: ofRun }, context());
    expectNothingPrivate(gunzipSync(await readFile(ofRun)));
    const again = join(root, 'again.tar.gz');
    await packEvidence({ stage: 'abc', out: again }, context());
    const names = ['console.log', 'failure.json', 'stage.json', 'setup/setuperr.log', 'versions.json'];
    const second = await filesOf(again);
    for (const name of names) expect(second.get(name)).toEqual(files.get(name));
  });

  test('the newest log is the default, and an existing archive is replaced', async () => {
    for (const [name, seconds] of [
      ['install-aaa.console.log', 10],
      ['snapshot-bbb.console.log', 30],
      ['run-ccc.console.log', 20],
    ] as const) {
      await writeFile(join(root, 'logs', name), name);
      await utimes(join(root, 'logs', name), seconds, seconds);
    }
    const out = join(root, 'e.tar.gz');
    await writeFile(out, 'old');
    expect(await packEvidence({ out }, context())).toMatchObject({ stage: 'snapshot', key: 'bbb' });
    expect((await filesOf(out)).get('console.log')?.toString()).toBe('snapshot-bbb.console.log');
    expect(await packEvidence({ stage: 'c', out }, context())).toMatchObject({ stage: 'run', key: 'ccc' });
  });

  test('a long log keeps its end', async () => {
    await writeFile(logPaths(places(), 'install', 'abc').console, `first${'x'.repeat(5 * 1024 * 1024)}last`);
    const out = join(root, 'e.tar.gz');
    await packEvidence({ out }, context());
    const text = (await filesOf(out)).get('console.log')?.toString() ?? '';
    expect([text.length, text.startsWith('first'), text.endsWith('last')]).toEqual([4 * 1024 * 1024, false, true]);
  });

  test('errors', async () => {
    await expect(packEvidence({}, context())).rejects.toThrow('no stage or run has left a log');
    await writeFile(logPaths(places(), 'install', 'abc').console, '');
    await writeFile(logPaths(places(), 'install', 'abd').console, '');
    await expect(packEvidence({ stage: 'x' }, context())).rejects.toMatchObject({
      code: 'usage',
      message: 'no stage or run has a key that starts with `x`',
      hint: expect.stringContaining('install abc') as string,
    });
    await expect(packEvidence({ stage: 'ab' }, context())).rejects.toThrow('more than one stage or run');
    const out = join(root, 'missing', 'e.tar.gz');
    await expect(packEvidence({ stage: 'abc', out }, context())).rejects.toMatchObject({ code: 'io' });
  });

  test('the command lists what is inside', async () => {
    await writeFile(logPaths(places(), 'install', 'abc').console, 'hello');
    await writeFile(logPaths(places(), 'install', 'abc').screen, 'PNG');
    const command = `cygstrap vm evidence --vm-dir ${root} --out ${join(root, 'e.tar.gz')}`;
    const { exit, stdout, stderr } = await runCommand(command);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^`.*e\.tar\.gz`, .*: install abc, 4 files\n {2}console\.log +5 B\n {2}doctor\.json/);
    expect(stderr).toMatch(/^note: passwords, keys and your name were removed .*`screen\.png` above all\n$/);
    const json = JSON.parse((await runCommand(`${command} --json`)).stdout) as object;
    expect(json).toMatchObject({
      stage: 'install',
      key: 'abc',
      files: [{ name: 'console.log', sizeBytes: 5 }, {}, {}, {}],
    });
  });
});

describe('the record of a failure', () => {
  const use = { stage: 'install', key: 'abc' } as const;
  const recorded = (): Parameters<typeof recordFailure>[0] => ({
    places: places(),
    host: {},
    guest: { name: 'stand-in' },
    version: 'test',
    report: () => {},
  });

  test('has the error, the command lines and the steps with times', async () => {
    const error = new GuestError('guest', 'it failed', { hint: 'mend it' });
    const made = recordFailure(recorded(), use, ({ report }) => {
      report({ kind: 'stage-step', stage: 'install', text: 'boot' });
      report({ kind: 'machine-start', name: 'install', pid: 1, consoleLog: '/log', command: 'qemu -m 1' });
      return Promise.reject(error);
    });
    await expect(made).rejects.toBe(error);
    expect(JSON.parse(await readFile(logPaths(places(), 'install', 'abc').failure, 'utf8'))).toMatchObject({
      ...use,
      qemu: null,
      error: { code: 'guest', message: 'it failed', hint: 'mend it' },
      commands: ['qemu -m 1'],
      steps: [{ atMs: expect.any(Number) as number, text: 'boot' }],
    });
  });

  test('is removed by the next attempt, and never hides the failure', async () => {
    const logs = logPaths(places(), 'install', 'abc');
    await writeFile(logs.failure, '{}');
    await mkdir(logs.setup);
    expect(await recordFailure(recorded(), use, () => Promise.resolve(1))).toBe(1);
    await expect(readFile(logs.failure)).rejects.toThrow('ENOENT');
    await rm(join(root, 'logs'), { recursive: true });
    await writeFile(join(root, 'logs'), '');
    await expect(recordFailure(recorded(), use, () => Promise.reject(new Error('first')))).rejects.toThrow();
  });
});
