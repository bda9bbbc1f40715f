import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { GUEST_PACKAGES } from '../../../src/guest/cygwin/medium.ts';
import { base, contentsOf } from '../../media/command-support.ts';
import { BOOT, makeTree, makeUdf, SERVER_2022 } from '../../media/inspect/media.ts';
import { temporaryDirectory } from '../../media/support.ts';
import { makeGuestSite } from '../../support/windows-packages.ts';
import { QEMU, describeWith } from '../../support/qemu.ts';
import { runCli } from '../../support/run-cli.ts';
import type { CliRun } from '../../support/run-cli.ts';

const PROGRAMS = [QEMU, 'qemu-img', 'wimlib-imagex', 'genisoimage', 'xorriso', 'mcopy'];
const KEY = 'ABCDE-12345-FGHIJ-67890-KLMNO';

describeWith(PROGRAMS, 'vm install --iso --dry-run', () => {
  let iso: string;
  let guest: { readonly repo: string; readonly lock: string; readonly installer: string };
  beforeAll(async () => {
    iso = makeUdf(base, makeTree(base, { editions: SERVER_2022, boot: BOOT }));
    const [repo, lock, installer, site] = ['guest', 'guest.lock.json', 'setup.exe', 'site'].map((name) =>
      join(base, name),
    ) as [string, string, string, string];
    guest = { repo, lock, installer };
    writeFileSync(installer, 'MZ');
    const options = makeGuestSite(site);
    const { exit, stderr } = await run('fetch', ...GUEST_PACKAGES, '--repo', repo, '--lock', lock, ...options);
    expect(exit, stderr).toBe(0);
  });
  const run = async (...argv: readonly string[]): Promise<CliRun> =>
    runCli(argv, { env: { PATH: process.env['PATH'], XDG_CACHE_HOME: join(base, 'cache') } });
  const planOf = async (
    image: string,
    out: string,
    { words = [], installer = true }: { readonly words?: readonly string[]; readonly installer?: boolean } = {},
  ): Promise<CliRun> => {
    const { repo, lock } = guest;
    const medium = ['--iso', image, ...(installer ? ['--add', `${guest.installer}=setup-x86_64.exe`] : [])];
    const places = ['--repo', repo, '--lock', lock, '--vm-dir', join(base, 'vm'), '--dry-run', out];
    return run('vm', 'install', ...places, ...medium, ...words);
  };
  const plan = async (out: string, ...words: readonly string[]): Promise<CliRun> => planOf(iso, out, { words });

  test('writes the media, the files of the answers, and the command line of QEMU, and makes no stage', async () => {
    const out = temporaryDirectory();
    const { exit, stdout, stderr } = await plan(out, '--firmware', 'bios', '--locale', 'de-DE');
    expect([exit, stderr]).toEqual([0, '']);
    const inCygwin = ['authorized_keys', 'configure.sh', 'fstab', 'locked', 'password', 'ssh_host_ed25519_key'];
    const cygwin = [...inCygwin, 'ssh_host_ed25519_key.pub', 'verify.sh'].map((name) => `answers/cygwin/${name}`);
    const names = ['answers.iso', 'answers/autounattend.xml', 'answers/cygstrap.cmd', 'answers/cygstrap.id', ...cygwin];
    expect(stdout.split('\n')).toEqual([...names, 'qemu.txt', 'repo.iso'].map((name) => join(out, name)).concat(''));
    const onMedium = await contentsOf(join(out, 'answers.iso'));
    for (const name of ['autounattend.xml', 'cygstrap.cmd', 'cygstrap.id', 'cygwin/configure.sh', 'cygwin/locked'])
      expect(onMedium[name]?.equals(readFileSync(join(out, 'answers', name))), name).toBe(true);
    const xml = readFileSync(join(out, 'answers/autounattend.xml'), 'utf8');
    expect(xml).toContain('<UserLocale>de-DE</UserLocale>');
    expect(xml).toMatch(/<Key>\/IMAGE\/INDEX<\/Key>\s*<Value>2<\/Value>/);
    const command = readFileSync(join(out, 'qemu.txt'), 'utf8');
    for (const path of [iso, join(out, 'repo.iso'), join(out, 'answers.iso'), join(out, 'disk.qcow2')])
      expect(command).toContain(path);
    expect(readdirSync(join(base, 'vm'))).toEqual(['host.json']);
  });

  test('with --json prints the plan, with the absolute path of the image', async () => {
    const out = temporaryDirectory();
    const { stdout } = await planOf(relative(process.cwd(), iso), out, { words: ['--firmware', 'bios', '--json'] });
    expect(JSON.parse(stdout)).toMatchObject({
      guest: 'windows-2022',
      key: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      argv: expect.arrayContaining([expect.stringContaining(`file.filename=${iso}`)]) as string[],
    });
  });

  test('refuses a directory with files, which could be those of an earlier plan', async () => {
    const out = temporaryDirectory();
    writeFileSync(join(out, 'mine'), '');
    const { exit, stderr } = await plan(out);
    expect([exit, stderr]).toEqual([2, `error: \`${out}\` is not empty\nhint: name a new directory for the plan\n`]);
    expect(readdirSync(out)).toEqual(['mine']);
  });

  test('an allowed failure is part of the key, and only a package of the lock can fail', async () => {
    const keyWith = async (...words: readonly string[]): Promise<string> => {
      const { stdout, stderr } = await plan(temporaryDirectory(), '--firmware', 'bios', '--json', ...words);
      expect(stderr).toBe('');
      return (JSON.parse(stdout) as { key: string }).key;
    };
    const allow = (...names: readonly string[]): string[] =>
      names.flatMap((name) => ['--allow-postinstall-failure', name]);
    const [both, turned] = [allow('openssh', 'cygrunsrv'), allow('cygrunsrv', 'openssh', 'cygrunsrv')];
    const keys = [
      await keyWith(),
      await keyWith(...allow('openssh')),
      await keyWith(...both),
      await keyWith(...turned),
    ];
    expect(new Set(keys).size).toBe(3);
    expect(keys[3]).toBe(keys[2]);
    expect(await plan(temporaryDirectory(), ...allow('opnssh'))).toMatchObject({
      exit: 2,
      stdout: '',
      stderr:
        'error: the lock has no package `opnssh` whose postinstall script can fail\n' +
        'hint: correct `--allow-postinstall-failure`, or leave it out\n',
    });
  });

  test('adds the files of --customize', async () => {
    const [out, mine] = [temporaryDirectory(), temporaryDirectory()];
    writeFileSync(join(mine, 'logon.cmd'), 'echo done\r\n');
    await plan(out, '--firmware', 'bios', '--customize', mine);
    expect((await contentsOf(join(out, 'answers.iso')))['logon.cmd']?.toString()).toBe('echo done\r\n');
  });

  test.each([
    [['--edition', '7'], 'no edition of'],
    [['--computer-name', 'CYGSTRAP'], 'invalid computer name: `CYGSTRAP`'],
    [['--guest', 'stand-in'], '`stand-in` is not a kind of Windows'],
    [['--iso-sha256', 'a'.repeat(64)], 'has the SHA-256'],
    [['--guest', 'windows-7', '--firmware', 'uefi'], '`windows-7, amd64` cannot start from firmware `uefi`'],
    [['--guest', 'windows-11', '--cpus', '1'], 'too few processors for `windows-11`: 1'],
    [['--guest', 'windows-xp'], 'cannot be installed as `windows-xp`: its Setup has another form'],
    [['--guest', 'windows-7', '--firmware', 'bios'], '`cygwin 3.5.4-1` does not run on Windows 7'],
  ])('%j is refused before anything is written', async (words, message) => {
    const out = join(temporaryDirectory(), 'out');
    const { stderr } = await plan(out, ...words);
    expect(stderr).toMatch(/^error: /m);
    expect(stderr).toContain(message);
    expect(() => readdirSync(out)).toThrow('ENOENT');
  });

  test('a product key is refused for an evaluation edition, and never printed', async () => {
    const [out, file] = [temporaryDirectory(), join(temporaryDirectory(), 'key')];
    writeFileSync(file, `${KEY}\n`);
    const { exit, stderr } = await plan(out, '--product-key', file);
    expect(exit).toBe(2);
    expect(stderr).toContain('is an evaluation edition, which has no product key');
    expect(stderr).not.toContain(KEY);
    const direct = await plan(out, '--product-key', KEY.toLowerCase());
    expect([direct.exit, direct.stderr]).toEqual([
      2,
      'error: the option for the product key has a key instead of a file\n' +
        'hint: write the key into a file and name that: other users see the command line\n',
    ]);
  });

  test('a product key is a placeholder in the plan', async () => {
    const [out, file] = [temporaryDirectory(), join(temporaryDirectory(), 'key')];
    writeFileSync(file, `${KEY}\n`);
    const volume = SERVER_2022.map((image) => ({
      ...image,
      name: image.name.replace(' Evaluation', ''),
      editionId: (image.editionId ?? '').replace('Eval', ''),
    }));
    const tree = temporaryDirectory();
    const licensed = makeUdf(tree, makeTree(tree, { editions: volume, boot: BOOT }));
    const { exit } = await planOf(licensed, out, { words: ['--product-key', file, '--firmware', 'bios'] });
    expect(exit).toBe(0);
    expect(readFileSync(join(out, 'answers/autounattend.xml'), 'utf8')).toContain(
      '<Key>XXXXX-XXXXX-XXXXX-XXXXX-XXXXX</Key>',
    );
    for (const name of ['answers.iso', 'qemu.txt']) expect(readFileSync(join(out, name), 'latin1')).not.toContain(KEY);
  });

  test.each([
    ['build', 126],
    ['vm install', 1],
  ] as const)(
    '%s is refused before the installation if the lock lacks packages, with exit code %i',
    async (command, code) => {
      const vm = join(temporaryDirectory(), 'vm');
      const words = [
        '--repo',
        join(base, 'repo'),
        '--lock',
        join(base, 'repo.lock.json'),
        '--vm-dir',
        vm,
        '--iso',
        iso,
      ];
      const { exit, stderr } = await run(
        ...command.split(' '),
        ...words,
        ...(command === 'build' ? ['--', 'true'] : []),
      );
      const missing = 'coreutils cygrunsrv findutils gawk grep gzip sed util-linux';
      expect([exit, stderr]).toEqual([
        code,
        `error: the lock lacks packages that Windows needs as a guest: ${missing.replaceAll(' ', ', ')}\n` +
          `hint: make the lock again with them: \`cygstrap fetch gcc-core openssh ${missing}\`, ` +
          'with the other options as before\n',
      ]);
      expect(readdirSync(vm)).toEqual(['host.json']);
    },
  );

  test('is refused without a setup program for the medium', async () => {
    const out = join(temporaryDirectory(), 'out');
    const { exit, stderr } = await planOf(iso, out, { installer: false });
    expect([exit, stderr]).toEqual([
      1,
      `error: \`${guest.repo}\` does not have the setup program, which installs Cygwin on Windows\n` +
        'hint: fetch it with `cygstrap fetch --frozen --installer`\n',
    ]);
    expect(() => readdirSync(out)).toThrow('ENOENT');
  });

  test('options of Windows need --iso', async () => {
    const { exit, stderr } = await run('vm', 'install', '--repo', 'r', '--edition', '2', '--vm-dir', join(base, 'vm'));
    expect([exit, stderr]).toEqual([2, 'error: --edition needs --iso\nhint: run `cygstrap vm install --help`\n']);
  });
});
