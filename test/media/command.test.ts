import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readFloppy } from '../../src/media/read/fat.ts';
import { describeWith, sha512, temporaryDirectory } from './support.ts';
import { base, run, fetch, copied, media, contentsOf, ARCHIVES, listedIn, RELEASE, KEY } from './command-support.ts';

const INSTALL_FROM_D = [
  '--quiet-mode',
  '--upgrade-also',
  '--no-verify',
  '--local-install',
  '--local-package-dir',
  'D:\\',
];

describeWith(['xorriso'], 'the image of a repo', () => {
  test('contains exactly the archives of the lock and their index', async () => {
    const { repo, lock } = copied();
    const { image, ...facts } = await media({ repo, lock });
    expect(facts).toEqual({
      repo,
      lock,
      answers: null,
      archives: 6,
      sizeBytes: 18_862,
      packages: 6,
      installer: null,
      added: [],
      setup: { program: 'setup-x86_64.exe', arguments: [...INSTALL_FROM_D, '--packages', 'gcc-core,openssh'] },
    });
    expect(image).toEqual({
      path: image.path,
      sizeBytes: statSync(image.path).size,
      sha512: sha512(readFileSync(image.path)),
      files: 7,
    });
    const contents = await contentsOf(image.path);
    expect(Object.keys(contents).sort()).toEqual([...ARCHIVES, 'x86_64/setup.ini'].sort());
    for (const [path, bytes] of Object.entries(contents))
      expect(bytes.equals(readFileSync(join(repo, path))), path).toBe(true);
    expect(listedIn(contents['x86_64/setup.ini'])).toEqual(ARCHIVES);
    expect(await run('verify', repo, '--lock', lock)).toMatchObject({ exit: 0 });
  });

  test('is the same for the same lock: from a copy, a larger repo, or the site layout', async () => {
    const { repo, lock } = copied();
    const { image } = await media({ repo, lock });
    const more = await fetch('more', 'openssh', 'gcc-core');
    await run(
      'fetch',
      'devel-set',
      'openssh=9.6p1-1',
      '--source',
      '--prev',
      '1',
      '--repo',
      more.repo,
      '--lock',
      join(base, 'other.lock.json'),
      '--site',
      RELEASE,
      '--keyring',
      KEY,
    );
    expect(existsSync(join(more.repo, 'x86_64/release/openssh/openssh-9.6p1-1-x86_64.tar.xz'))).toBe(true);
    const site = await fetch('site', 'openssh', 'gcc-core', '--layout', 'site');
    for (const other of [more, site]) expect((await media(other)).image.sha512, other.repo).toBe(image.sha512);
    // The index that was kept is a convenience: what setup reads from the repo will do.
    const other = copied();
    rmSync(join(other.repo, '.cygstrap/index'), { recursive: true });
    expect((await media(other)).image.sha512).toBe(image.sha512);
  });

  test('contains the signed index of the site, if the repo has it', async () => {
    const full = await fetch('full', 'openssh', 'gcc-core', '--full-index');
    const { image, packages, setup } = await media(full);
    const contents = await contentsOf(image.path);
    const paths = ['x86_64/setup.zst', 'x86_64/setup.zst.sig'];
    expect(Object.keys(contents).sort()).toEqual([...ARCHIVES, ...paths].sort());
    for (const path of paths) expect(contents[path]?.equals(readFileSync(join(full.repo, path))), path).toBe(true);
    expect(packages).toBe(9);
    expect(setup?.arguments.slice(0, 4)).toEqual(['--quiet-mode', '--upgrade-also', '--pubkey', KEY]);
    // Without its signature it is no index of the site.
    const unsigned = copied('full');
    rmSync(join(unsigned.repo, 'x86_64/setup.zst.sig'));
    const made = await media(unsigned);
    expect(listedIn((await contentsOf(made.image.path))['x86_64/setup.ini'])).toEqual(ARCHIVES);
    expect(made.setup?.arguments).toContain('--no-verify');
  });

  test('contains source archives that are locked', async () => {
    const { image, archives } = await media(await fetch('sources', 'openssh', '--source'));
    const contents = await contentsOf(image.path);
    expect(archives).toBe(Object.keys(contents).length - 1);
    expect(Object.keys(contents)).toContain('x86_64/release/openssh/openssh-9.8p1-1-src.tar.xz');
    expect(listedIn(contents['x86_64/setup.ini'])).toEqual(
      Object.keys(contents)
        .filter((path) => path.includes('release'))
        .sort(),
    );
  });

  test('contains the signature of an index only if it is valid', async () => {
    const same = copied();
    writeFileSync(join(same.repo, 'x86_64/setup.ini.sig'), 'signature');
    expect((await contentsOf((await media(same)).image.path))['x86_64/setup.ini.sig']?.toString()).toBe('signature');
    appendFileSync(join(same.repo, 'x86_64/setup.ini'), '\n');
    expect(Object.keys(await contentsOf((await media(same)).image.path))).not.toContain('x86_64/setup.ini.sig');
  });

  test('contains the setup program only with a valid signature', async () => {
    const { repo, lock } = copied();
    // Any signed bytes will do; nobody runs them.
    cpSync(join(RELEASE, 'x86_64/setup.xz'), join(repo, 'setup-x86_64.exe'));
    await expect(media({ repo, lock })).rejects.toMatchObject({
      code: 'signature',
      message: expect.stringContaining('it has no signature'),
    });
    cpSync(join(RELEASE, 'x86_64/setup.xz.sig'), join(repo, 'setup-x86_64.exe.sig'));
    await expect(media({ repo, lock, keyring: [] })).rejects.toMatchObject({ code: 'signature' });
    const { image, installer, setup } = await media({ repo, lock });
    expect(installer).toBe('setup-x86_64.exe');
    expect(setup?.program).toBe('D:\\setup-x86_64.exe');
    expect(Object.keys(await contentsOf(image.path)).filter((path) => !path.includes('/'))).toEqual([
      'setup-x86_64.exe',
      'setup-x86_64.exe.sig',
    ]);
    appendFileSync(join(repo, 'setup-x86_64.exe'), 'x');
    await expect(media({ repo, lock })).rejects.toMatchObject({ code: 'signature' });
    await expect(media({ repo: copied().repo, lock, add: [`${KEY}=setup-x86_64.exe`] })).resolves.toMatchObject({
      installer: null,
    });
  });

  test('contains added files and directories at the given paths', async () => {
    const extra = temporaryDirectory();
    mkdirSync(join(extra, 'tools/sub'), { recursive: true });
    writeFileSync(join(extra, 'run=1.cmd'), 'run');
    writeFileSync(join(extra, 'tools/sub/a'), 'a');
    symlinkSync('sub/a', join(extra, 'tools/link'));
    const add = [
      `${join(extra, 'run=1.cmd')}=first.cmd`,
      `${KEY}=keys/`,
      KEY,
      `${join(extra, 'tools')}=opt/tools`,
      join(extra, 'tools'),
    ];
    const { image, added } = await media({ ...copied(), add });
    expect(added).toEqual([
      'first.cmd',
      'key.gpg',
      'keys/key.gpg',
      'opt/tools/link',
      'opt/tools/sub/a',
      'tools/link',
      'tools/sub/a',
    ]);
    const contents = await contentsOf(image.path);
    expect(['first.cmd', 'opt/tools/link', 'tools/sub/a'].map((path) => contents[path]?.toString())).toEqual([
      'run',
      'a',
      'a',
    ]);
  });

  test('is written together with answers on a floppy or an image', async () => {
    const files = new Map([
      ['autounattend.xml', Buffer.from('<unattend/>')],
      ['id_ed25519.pub', Buffer.from('ssh-ed25519 AAAA')],
    ]);
    const floppy = await media({ ...copied(), answers: { form: 'floppy', filesOf: () => files } });
    expect(readFloppy(readFileSync(floppy.answers?.path ?? '')).map(({ name, bytes }) => [name, bytes])).toEqual([
      ...files,
    ]);
    const iso = await media({
      ...copied(),
      answers: { form: 'iso', filesOf: () => new Map([...files, ['$OEM$/$1/x.cmd', Buffer.from('x')]]) },
    });
    expect(readdirSync(join(iso.image.path, '..')).sort()).toEqual(['answers.iso', 'repo.iso']);
    expect(Object.keys(await contentsOf(iso.answers?.path ?? ''))).toEqual(
      expect.arrayContaining(['autounattend.xml', '$OEM$/$1/x.cmd']),
    );
    expect(iso.image.sha512).toBe(floppy.image.sha512);
  });

  test('is written by the command line, as text and as JSON', async () => {
    const { repo, lock } = copied();
    const out = join(base, 'media');
    const made = await run('media', '--repo', repo, '--lock', lock, '--out', out, '--add', KEY);
    expect(made).toEqual({
      exit: 0,
      stdout:
        `\`${join(out, 'repo.iso')}\`: 6 archives, 18.4 KiB; ` +
        'index of 6 packages, 1 file added; read back: identical\n' +
        `install it on Windows: setup-x86_64.exe ${INSTALL_FROM_D.join(' ')} --packages "gcc-core,openssh"\n`,
      stderr: '',
    });
    const json = await run('media', '--repo', repo, '--lock', lock, '--out', out, '--add', KEY, '--json');
    const image = readFileSync(join(out, 'repo.iso'));
    expect(JSON.parse(json.stdout)).toMatchObject({
      schema: 1,
      archives: 6,
      added: ['key.gpg'],
      image: { path: join(out, 'repo.iso'), sizeBytes: image.length, sha512: sha512(image), files: 8 },
      answers: null,
    });
    expect((await run('media', '--repo', repo)).exit).toBe(2);
    expect(await run('media', '--repo', repo, '--out', out, '--lock', join(base, 'none.json'))).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('no such lock'),
    });
    expect(await run('media', '--repo', repo, '--out', out, '--lock', lock, '--add', 'nowhere')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('`nowhere` cannot be added'),
    });
    expect(
      await run('media', '--repo', repo, '--out', out, '--lock', lock, '--add', `${KEY}=X86_64/release`),
    ).toMatchObject({ exit: 1, stderr: expect.stringContaining('conflicting names on the medium') });
  });
});
