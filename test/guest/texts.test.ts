import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { guestKind } from '../../src/api/guest-kinds.ts';
import { parseMarker } from '../../src/guest/console-markers.ts';
import { parseRunEnd, runScript, savedEnvironment, withoutOwn } from '../../src/guest/run-script.ts';
import { policyConf, smbConf, smbdCommand } from '../../src/guest/shares.ts';
import { quoteWord } from '../../src/io/quoting.ts';
import { sshArgv } from '../../src/guest/ssh.ts';
import { parseLdd } from '../../src/guest/linux/programs.ts';
import {
  BOOT_INIT,
  OVERLAY,
  POWER_BUTTON,
  SHUTDOWN,
  SYSTEM_RC,
  installerInit,
} from '../../src/guest/stand-in/scripts.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';

describe('markers', () => {
  const key = `ssh-ed25519 ${'A'.repeat(68)}`;
  test.each([
    ['@cygstrap stage media', { kind: 'stage', name: 'media' }],
    ['@cygstrap stage packages 3/120\r', { kind: 'stage', name: 'packages', step: { number: 3, of: 120 } }],
    [`[    1.2] e1000: link@cygstrap hostkey ${key}`, { kind: 'hostkey', key }],
    ['@cygstrap installed n-123', { kind: 'installed', nonce: 'n-123' }],
    ['@cygstrap failed no disk: \u001b[31mred', { kind: 'failed', text: 'no disk: red' }],
    ['@cygstrap warning no password \r', { kind: 'warning', text: 'no password' }],
    ['@cygstrap ready', { kind: 'ready' }],
    ['@cygstrap exit 137', { kind: 'exit', code: 137 }],
    [
      '@cygstrap finding missing libstdc++6 lock: 13.4.0-1\r',
      { kind: 'finding', finding: { kind: 'missing', subject: 'libstdc++6', text: 'lock: 13.4.0-1' } },
    ],
    [
      '@cygstrap finding postinstall _autorebase',
      { kind: 'finding', finding: { kind: 'postinstall', subject: '_autorebase', text: '' } },
    ],
    ['@cygstrap verdict 2 120', { kind: 'verdict', verdict: { findings: 2, packages: 120 } }],
    ['@cygstrap finding other bash text', undefined],
    ['@cygstrap finding missing', undefined],
    ['@cygstrap verdict 2', undefined],
    ['@cygstrap installed', undefined],
    ['@cygstrap hostkey ssh-ed25519 AAAA evil', undefined],
    ['@cygstrap stage ../x', undefined],
    ['cygstrap ready', undefined],
    ['', undefined],
  ])('%j', (line, marker) => {
    expect(parseMarker(line)).toEqual(marker);
  });
});

test('ldd of glibc and musl', () => {
  const glibc =
    '\tlinux-vdso.so.1 (0x00007ffd)\n\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f1)\n' +
    '\t/lib64/ld-linux-x86-64.so.2 (0x00007f2)\n';
  expect(parseLdd('p', glibc)).toEqual(['/lib/x86_64-linux-gnu/libz.so.1', '/lib64/ld-linux-x86-64.so.2']);
  const musl = '\t/lib/ld-musl-x86_64.so.1 (0x7f)\n\tlibc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1 (0x7f)\n';
  expect(parseLdd('p', musl)).toEqual(['/lib/ld-musl-x86_64.so.1', '/lib/ld-musl-x86_64.so.1']);
  expect(() => parseLdd('p', '\tlibx.so => not found\n')).toThrow('`p` requires the missing library `libx.so`');
});

test('the command line of ssh', async () => {
  const target = {
    ssh: '/usr/bin/ssh',
    address: '127.0.0.1',
    port: 4022,
    user: 'root',
    privateKey: '/img/ssh.key',
    knownHosts: '/100%/known hosts',
    times: { responseMs: 10_000, silenceMs: 6000 },
  };
  await expect(`${sshArgv(target, 'echo "$HOME"').join('\n')}\n`).toMatchFileSnapshot('golden/ssh-argv.txt');
  expect(sshArgv(target)).toContain('-t');
});

test('settings for Samba', async () => {
  await expect(
    smbConf({ directory: '/run/x/smb', store: '/data/a store', xchg: '/run/x/xchg', user: 'builder' }),
  ).toMatchFileSnapshot('golden/smb.conf');
  for (const store of ['/a\n[evil]', '/a%U', '/a ', '/a\\'])
    expect(() => smbConf({ directory: '/d', store, xchg: '/x', user: 'u' })).toThrow('Samba cannot share this path');
  expect(smbdCommand('/usr/sbin/smbd', { conf: '/r/smb.conf', directory: '/r/smb' })).toEqual([
    '/usr/sbin/smbd',
    '-s',
    '/r/smb.conf',
    '-l',
    '/r/smb',
  ]);
});

test.each([
  [standIn.smb, 'SMB3_11', 'mandatory', 'ntlmv2-only'],
  [{ minProtocol: 'NT1', signing: 'auto', allowsNtlmV1: true } as const, 'NT1', 'auto', 'ntlmv1-permitted'],
])('settings for Samba by kind: %j', (policy, protocol, signing, ntlm) => {
  expect(policyConf(policy)).toBe(
    `server min protocol = ${protocol}\nserver signing = ${signing}\nntlm auth = ${ntlm}\n`,
  );
});

test('the machines of the stand-in', async () => {
  const disk = { kind: 'file', path: '/img/disk.qcow2', format: 'qcow2', writes: 'throw-away' } as const;
  await expect(
    `${JSON.stringify(
      standIn.bootMachine({
        disk,
        directory: '/img',
        link: { kind: 'none' },
        mounts: [
          { tag: 'src', access: 'rw' },
          { tag: 'tools', access: 'overlay' },
        ],
      }),
      null,
      2,
    )}\n`,
  ).toMatchFileSnapshot('golden/stand-in-boot.json');
});

describe('a shell', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cyg-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('reads each quoted word unchanged', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))), (words) => {
        const { stdout } = spawnSync('sh', ['-c', `printf '%s\\n--\\n' ${words.map(quoteWord).join(' ')}`], {
          encoding: 'utf8',
        });
        expect(stdout).toBe(words.length === 0 ? '\n--\n' : words.map((word) => `${word}\n--\n`).join(''));
      }),
      { numRuns: 20 },
    );
    expect(() => quoteWord('a\0b')).toThrow(TypeError);
  });

  test.each([
    ['a code', ['sh', '-c', 'exit 7'], { kind: 'exit', code: 7 }],
    ['a signal', ['sh', '-c', 'kill -TERM $$'], { kind: 'exit', code: 143 }],
    [
      'nothing to read, and words kept apart',
      ['sh', '-c', 'cat; test "$1" = "a  b" && test "$X" = "x y"', 'sh', 'a  b'],
      { kind: 'exit', code: 0 },
    ],
    ['no such program', ['/no/such'], { kind: 'exit', code: 127 }],
  ])('runs the script of a run: %s', (_name, argv, end) => {
    const script = join(directory, 'run.sh');
    writeFileSync(script, runScript({ directory, argv }));
    writeFileSync(
      join(directory, 'saved-env'),
      savedEnvironment({ X: 'x y', 'BASH_FUNC_x%%': '() { :; }', PATH: process.env['PATH'] ?? '' }),
    );
    const { status } = spawnSync('sh', [script], { input: 'not for the command' });
    expect(parseRunEnd(readFileSync(join(directory, 'exit'), 'utf8'))).toEqual(end);
    expect(status).toBe(end.code);
    expect(readdirSync(directory).sort()).toEqual(['exit', 'run.sh', 'saved-env']);
  });

  test('reports a missing working directory', () => {
    const script = join(directory, 'run.sh');
    writeFileSync(script, runScript({ directory, argv: ['true'], workingDirectory: '/no/such place' }));
    expect(spawnSync('sh', [script]).status).toBe(125);
    expect(parseRunEnd(readFileSync(join(directory, 'exit'), 'utf8'))).toEqual({
      kind: 'failed',
      text: 'no such directory: /no/such place',
    });
  });

  test.each(['', '7', 'seven\n', '1234\n', '7\n8\n'])('no end of a run: %j', (text) => {
    expect(parseRunEnd(text)).toBeUndefined();
  });

  test.each(
    Object.entries({
      BOOT_INIT,
      OVERLAY,
      POWER_BUTTON,
      SHUTDOWN,
      SYSTEM_RC,
      installer: installerInit({ mke2fs: '/m', xz: '/x', zstd: '/z' }),
    }),
  )('parses %s', (_name, text) => {
    expect(spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });
});

test('a run does not set variables that the guest keeps, whatever their case', () => {
  const variables = { CC: 'cl', Path: '/usr/bin', tmp: '/tmp', UID: '0', MYPATH: '/opt' };
  const own = guestKind('windows-10').ownVariables;
  expect(withoutOwn(variables, own)).toEqual({ set: { CC: 'cl', MYPATH: '/opt' }, kept: ['Path', 'UID', 'tmp'] });
  expect(withoutOwn(variables, standIn.ownVariables).kept).toEqual([]);
});

test('the guest keeps all variables that bash does not let a script set', () => {
  const { stdout } = spawnSync('bash', ['-c', 'readonly -p'], { encoding: 'utf8' });
  const names = [...stdout.matchAll(/^declare -\S+ (\w+)=/gm)].map(([, name = '']) => name);
  expect(names).toContain('SHELLOPTS');
  expect(names.filter((name) => !guestKind('windows-10').ownVariables.has(name))).toEqual([]);
});
