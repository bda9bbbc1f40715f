import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/qemu.ts';
import { testLibrary } from './library.ts';
import { Bench, NOTICE, PROGRAMS } from './support.ts';
import type { Outcome } from './support.ts';

const MIB = 1024 * 1024;

describeWith(PROGRAMS, 'build and vm run', () => {
  let bench: Bench;
  let first: Outcome;
  let second: Outcome;

  /** Runs a script in the shell of a resumed machine. */
  const sh = async (
    script: string,
    options: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<Outcome> => bench.vm(['vm', 'run', ...options, '--', 'sh', '-c', script], { env });
  const out = (): string => join(bench.path, `out-${randomBytes(4).toString('hex')}`);

  beforeAll(async () => {
    bench = await Bench.make();
    const command = ['build', '--verbose', '--', 'sh', '-c', 'echo hello; exit 7'];
    [first, second] = await Promise.all([bench.startMaking(command).ended, bench.startMaking(command).ended]);
  }, 180_000);
  afterAll(() => bench.remove());

  test('two builds at once make each stage once, and return output and exit code of the command', () => {
    for (const each of [first, second]) expect(each, each.stderr).toMatchObject({ exit: 7, stdout: 'hello\n' });
    for (const each of [first, second]) expect(each.stderr.startsWith(NOTICE)).toBe(true);
    const said = first.stderr + second.stderr;
    expect(said.match(/note: \w+ \w+: started/g)).toHaveLength(2);
    expect(said).toMatch(/warning: waiting for process \d+, which makes the same install stage\n/);
    expect(bench.stages()).toEqual({
      install: [expect.stringMatching(/^[0-9a-f]{32}$/)],
      snapshot: [expect.stringMatching(/^[0-9a-f]{32}$/)],
    });
  });

  test('a second build reuses both stages', async () => {
    const { exit, stdout, stderr } = await bench.startMaking([
      'build',
      '--verbose',
      '--',
      'cat',
      '/cygwin/usr/share/doc/openssh/README',
    ]).ended;
    const { install, snapshot } = bench.stages();
    const [a = '', b = ''] = [...install, ...snapshot].map((key) => key.slice(0, 12));
    expect(stderr).toContain(`note: install ${a}: already exists\nnote: snapshot ${b}: already exists\n`);
    expect(stderr).not.toContain('started');
    expect({ exit, stdout }).toMatchObject({ exit: 0, stdout: expect.stringContaining('openssh') as string });
  });

  test('names that Windows does not allow are the same in the guest and on this computer', async () => {
    const [from, to] = [out(), out()];
    mkdirSync(from);
    const names = [
      'a:b',
      'line\nfeed',
      'esc\x1b',
      'dot.',
      'blank ',
      'q?*<>|"',
      'con',
      'nul.txt',
      'Ä😀',
      '..two',
      '-rf',
    ];
    for (const name of names) writeFileSync(join(from, name), name);
    const script = 'cp -a in/. out/ && cd out && mkdir "d:r." && echo made >"d:r./new:"';
    const { exit, stderr } = await sh(script, ['--in', from, '--out', to]);
    expect(exit, stderr).toBe(0);
    expect(readdirSync(to).sort()).toEqual([...names, 'd:r.'].sort());
    for (const name of names) expect(readFileSync(join(to, name), 'utf8')).toBe(name);
    writeFileSync(join(from, 'back\\slash'), '');
    expect(await sh('true', ['--in', from])).toMatchObject({
      exit: 126,
      stderr: expect.stringContaining('"back\\\\slash": its name cannot exist there') as string,
    });
  });

  test('a killed command: exit code 1 and a warning; the signal in JSON', async () => {
    const killed = await sh('kill -KILL $$');
    expect(killed).toMatchObject({ exit: 1, stdout: '' });
    expect(killed.stderr).toContain('warning: signal 9 ended the command\n');
    const { exit, stdout, stderr } = await sh('echo out; echo err >&2; kill -KILL $$', ['--json']);
    expect(exit).toBe(1);
    expect(stderr).toContain('out\n');
    expect(stderr).toContain('err\n');
    expect(JSON.parse(stdout)).toEqual({
      schema: expect.any(Number) as number,
      snapshot: bench.stages().snapshot[0],
      code: 137,
      isCold: false,
      revivedMs: expect.any(Number) as number,
      durationMs: expect.any(Number) as number,
      kept: null,
    });
  });

  test('an exit code that no signal has: exit code 1, and the code in the warning', async () => {
    expect(await sh('exit 200')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('warning: the command ended with exit code 200\n') as string,
    });
  });

  test('50 MB in and out; existing files of the output directory stay', async () => {
    const [from, to] = [join(bench.path, 'from'), out()];
    mkdirSync(join(from, 'sub dir'), { recursive: true });
    mkdirSync(to);
    const bytes = randomBytes(50 * MIB);
    const digest = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(from, 'sub dir', 'big'), bytes);
    writeFileSync(join(to, 'before'), 'stays');
    const { exit, stdout } = await sh(
      'sha256sum "in/sub dir/big" && mkdir out/there && cp "in/sub dir/big" out/there/',
      ['--in', from, '--out', to],
    );
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: `${digest}  in/sub dir/big\n` });
    expect(
      createHash('sha256')
        .update(readFileSync(join(to, 'there/big')))
        .digest('hex'),
    ).toBe(digest);
    expect(readFileSync(join(to, 'before'), 'utf8')).toBe('stays');
  });

  test('environment variables: with a value, from the environment, all; any characters', async () => {
    const strange = 'it\'s "so"\n$(false) `x` \\ ü';
    const named = await sh('printf "%s|%s|%s" "$A" "$B" "${CC-unset}"', ['--env', `A=${strange}`, '--env', 'B'], {
      B: ' two  blanks ',
      CC: 'no',
    });
    expect(named).toMatchObject({ exit: 0, stdout: `${strange}| two  blanks |unset` });
    const all = await sh('printf "%s|%s|%s" "$B" "$CC" "$HOME"', ['--all-env', '--env', 'B=mine'], {
      B: 'theirs',
      CC: 'yes',
      'BASH_FUNC_x%%': '() { :; }',
    });
    expect(all).toMatchObject({ exit: 0, stdout: 'mine|yes|/root' });
    expect(await sh('true', ['--env', '1=2'])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('error: --env has a wrong value: `1=2`\n') as string,
    });
    expect(await sh('true', ['--env', 'NOT_THERE'])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('error: the variable `NOT_THERE` is not set here\n') as string,
    });
  });

  test('output arrives while the command runs, and the clock of the guest is set', async () => {
    const place = join(bench.path, 'run-place');
    const startS = Math.floor(Date.now() / 1000);
    const script = 'date +%s; until [ -e in/go ]; do sleep 0.1; ls in >/dev/null; done; echo two';
    const before = `printf %s "$CYGSTRAP_RUN" >'${place}'`;
    const command = bench.startVm(['vm', 'run', '--before', before, '--', 'sh', '-c', script]);
    const [seconds] = await command.says(/^\d{10}$/m);
    // The command ends only after its first line was received here.
    writeFileSync(join(readFileSync(place, 'utf8'), 'in/go'), '');
    expect(await command.ended).toMatchObject({ exit: 0, stdout: `${seconds}\ntwo\n` });
    expect(Number(seconds)).toBeGreaterThanOrEqual(startS - 1);
    expect(Number(seconds)).toBeLessThanOrEqual(Date.now() / 1000 + 1);
  });

  test('a command that exceeds its timeout is ended with its machine; exit code 126', async () => {
    const { exit, stdout, stderr } = await sh('echo begun; sleep 1000', ['--timeout', '4s']);
    expect({ exit, stdout }).toEqual({ exit: 126, stdout: 'begun\n' });
    expect(stderr).toBe(
      `${NOTICE}error: the command did not end within 4 s\nhint: allow more time with \`--timeout\`\n`,
    );
    await bench.expectNoTraces();
  });

  const randoms = new Set<string | undefined>();

  /** Runs a command that checks for files of earlier runs, and writes such files. */
  const expectAlone = async (): Promise<void> => {
    const script = `head -c 16 /dev/urandom | od -An -tx1
      cat /root/mine /tmp/mine /run/mine in/mine 2>/dev/null
      for place in /root /tmp /run in out; do echo mine >$place/mine || exit 9; done
      sync; sleep 2; cat /root/mine /tmp/mine`;
    const { exit, stdout } = await sh(script);
    expect(exit).toBe(0);
    const [random, ...rest] = stdout.split('\n');
    expect(rest).toEqual(['mine', 'mine', '']);
    randoms.add(random);
  };

  test('two runs at once: different random numbers, no shared files', async () => {
    await Promise.all([expectAlone(), expectAlone()]);
    expect(randoms.size).toBe(2);
  });

  test('hooks run on this computer before and after the command, with the exchanged directory', async () => {
    const to = out();
    const { exit, stdout, stderr } = await sh('cat in/question; echo 42 >out/answer; exit 3', [
      '--before',
      'echo before hook; echo why >"$CYGSTRAP_RUN/in/question"',
      '--after',
      'mv "$CYGSTRAP_RUN/out/answer" "$CYGSTRAP_RUN/out/moved"; echo after >&2',
      '--out',
      to,
    ]);
    expect({ exit, stdout }).toEqual({ exit: 3, stdout: 'why\n' });
    expect(stderr).toBe(`${NOTICE}before hook\nafter\n`);
    expect(readdirSync(to)).toEqual(['moved']);
    const failed = await sh('echo never', ['--before', 'echo no such thing >&2; exit 4']);
    expect(failed).toMatchObject({ exit: 126, stdout: '' });
    expect(failed.stderr).toBe(
      `${NOTICE}no such thing\nerror: the command before the run failed (exit code 4): \`echo no such ` +
        `thing >&2; exit 4\`\n`,
    );
  });

  test('one machine per line of a file, two at a time', async () => {
    const [list, to] = [join(bench.path, 'lines'), out()];
    writeFileSync(
      list,
      '# a comment\necho one; echo 1 >out/file\n\necho two >&2; exit 5\nprintf three; cat /tmp/x; touch ' +
        '/tmp/x\nkill -9 $$\n',
    );
    const many = await bench.vm(['vm', 'run', '--each', list, '--jobs', '2', '--out', to, '--junit', `${to}.xml`]);
    expect(many.exit).toBe(1);
    expect(readFileSync(`${to}.xml`, 'utf8')).toMatch(/ tests="4" failures="2" errors="0" skipped="0" /);
    expect(many.stdout.split('\n').sort()).toEqual(['', '[1] one', '[3] three']);
    for (const line of [
      '[2] two',
      'note: [1] exit code 0: echo one; echo 1 >out/file',
      'note: [2] exit code 5: echo two >&2; exit 5',
      'note: [4] exit code 137: kill -9 $$',
    ])
      expect(many.stderr.split('\n')).toContain(line);
    expect(readdirSync(to).sort()).toEqual(['1', '2', '3', '4']);
    expect(readFileSync(join(to, '1/file'), 'utf8')).toBe('1\n');
  });

  test('--keep prints the directory that is kept', async () => {
    const kept = await sh('echo x >out/file', ['--keep']);
    expect(kept.exit).toBe(0);
    const [, path = ''] = /^note: kept: `(.*)`$/m.exec(kept.stderr) ?? [];
    expect(readdirSync(path).sort()).toEqual(expect.arrayContaining(['disk.qcow2', 'xchg']));
    rmSync(path, { recursive: true });
  });

  test('a directory of this computer as the read-only share `store`', async () => {
    const store = join(bench.path, 'my store');
    mkdirSync(store);
    writeFileSync(join(store, 'file'), 'of the host\n');
    expect(await sh('cat /store/file; echo x >/store/new || exit 6', ['--store', store])).toMatchObject({
      exit: 6,
      stdout: 'of the host\n',
    });
    expect(existsSync(join(store, 'new'))).toBe(false);
  });

  test('--writable-store: writes are visible in one machine only', async () => {
    const store = join(bench.path, 'kept store');
    mkdirSync(join(store, 'sub'), { recursive: true });
    writeFileSync(join(store, 'sub/file'), 'of the host\n');
    const script =
      'cat /store/sub/file /store/new 2>/dev/null; echo mine >>/store/sub/file && echo x >/store/new && ' +
      'cat /store/sub/file /store/new';
    for (let i = 0; i < 2; i++) {
      const { exit, stdout } = await sh(script, ['--store', store, '--writable-store']);
      expect({ exit, stdout }).toEqual({ exit: 0, stdout: 'of the host\nof the host\nmine\nx\n' });
    }
    expect(readdirSync(store)).toEqual(['sub']);
    expect(readFileSync(join(store, 'sub/file'), 'utf8')).toBe('of the host\n');
  });

  test('a shell with stdin from a pipe', async () => {
    const { exit, stdout } = await bench.vm(['vm', 'shell'], { stdin: 'hostname\nexit 3\n' });
    expect(exit).toBe(3);
    expect(stdout).toContain('stand-in');
  });

  test('a portable snapshot is resumed, also from a copied directory', async () => {
    const { exit, stdout } = await bench.vm(['vm', 'snapshot', '--portable', '--json']);
    expect(exit).toBe(0);
    const { key } = JSON.parse(stdout) as { key: string };
    expect(readdirSync(join(bench.vmDir, 'snapshot', key)).sort()).toEqual(['disk.qcow2', 'stage.json', 'state']);
    const shared = bench.vmDir;
    bench.vmDir = join(bench.path, 'copied');
    for (const part of ['install', join('snapshot', key)])
      cpSync(join(shared, part), join(bench.vmDir, part), { recursive: true });
    expect(await bench.vm(['vm', 'run', '--snapshot', key.slice(0, 8), '--json', '--', 'true'])).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('"isCold":false') as string,
    });
    bench.vmDir = shared;
  });

  testLibrary(() => bench);

  test('a later run: other random numbers, no files of the earlier runs', async () => {
    await expectAlone();
    expect(randoms.size).toBe(3);
  });

  test('a command that the guest does not have: a hint', async () => {
    const { exit, stderr } = await bench.vm(['vm', 'run', '--', 'gcc', '--version']);
    expect(exit).toBe(1);
    expect(stderr).toMatch(
      /gcc: not found\nwarning: the command ended with exit code 127\nhint: the stand-in is a small Linux: .*\n$/,
    );
  });

  test('no process or temporary file is left', () => bench.expectNoTraces());
});
