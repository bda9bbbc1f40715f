import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { describeWith } from '../support/qemu.ts';
import { PROJECT } from '../support/transcript.ts';
import { ACTION, namesIn, readAction } from './composite.ts';
import type { Step } from './composite.ts';

const ROOT = join(PROJECT, '.github');
const FILES = readdirSync(ROOT, { encoding: 'utf8', recursive: true }).filter((name) => name.endsWith('.yml'));
const SCRIPTS = readdirSync(ACTION).filter((name) => name.endsWith('.sh'));

/** Returns the steps of a workflow or an action. */
function stepsOf(file: string): readonly Step[] {
  const { runs, jobs = {} } = parse(readFileSync(join(ROOT, file), 'utf8')) as {
    readonly runs?: { readonly steps: readonly Step[] };
    readonly jobs?: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
  };
  return [...(runs?.steps ?? []), ...Object.values(jobs).flatMap(({ steps }) => steps)];
}

describe.each(FILES)('%s', (file) => {
  test('has no expression in shell code: its value would be code', () => {
    const steps = stepsOf(file);
    expect(steps.length).toBeGreaterThan(0);
    for (const { run = '', name } of steps) expect(run.includes('${{'), name).toBe(false);
  });

  test('names each action by a commit, with its version as a comment, or by a path', () => {
    for (const line of readFileSync(join(ROOT, file), 'utf8')
      .split('\n')
      .filter((each) => /^ *(?:- )?uses:/.test(each)))
      expect(line).toMatch(/uses: (?:[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\.\/\.github\/actions\/[\w-]+)$/);
  });
});

describeWith(['shellcheck'], 'shellcheck', () => {
  function findings(directory: string, words: readonly string[], input = ''): string {
    const { stdout, stderr } = spawnSync('shellcheck', ['-S', 'warning', ...words], {
      cwd: directory,
      input,
      encoding: 'utf8',
    });
    return stdout + stderr;
  }

  test.each(SCRIPTS)('finds nothing in %s', (name) => {
    expect(findings(ACTION, ['-x', name])).toBe('');
  });

  test.each(FILES)('finds nothing in the steps of %s', (file) => {
    for (const { run, shell = 'bash' } of stepsOf(file))
      if (run !== undefined && shell === 'bash') expect(findings(ROOT, ['-s', 'bash', '-'], run)).toBe('');
  });
});

describe('the action', () => {
  const { inputs, outputs, runs } = readAction();
  const used = [
    ...runs.steps.flatMap((step) => [step.if ?? '', ...Object.values({ ...step.with, ...step.env })]),
    ...Object.values(outputs).map(({ value }) => value),
  ].flatMap((text) => namesIn(text));

  test('uses every input, and no other', () => {
    const names = new Set(used.flatMap((name) => /^inputs\.(.*)/.exec(name)?.[1] ?? []));
    expect([...names].sort()).toEqual(Object.keys(inputs).sort());
  });

  test('describes its inputs and outputs in the documentation', () => {
    const page = readFileSync(join(PROJECT, 'src/docs/github-actions.md'), 'utf8');
    for (const name of [...Object.keys(inputs), ...Object.keys(outputs)]) expect(page).toContain(`| \`${name}\` |`);
  });

  test('reads only outputs that a step sets', () => {
    const cache = ['steps.cache.outputs.cache-hit'];
    const own = runs.steps.flatMap(({ id, run = '' }) =>
      [...scriptOf(run).matchAll(/^ *output ([\w-]+) /gm)].map(([, name]) => `steps.${id}.outputs.${name}`),
    );
    const read = new Set(used.filter((name) => name.startsWith('steps.')));
    expect([...read].sort()).toEqual([...own, ...cache].sort());
  });

  test('passes to each script exactly the variables that it reads', () => {
    const common = readFileSync(join(ACTION, 'common.sh'), 'utf8');
    for (const { run, env = {} } of runs.steps) {
      if (run === undefined) continue;
      const script = scriptOf(run);
      const read = new Set(
        [...`${script}${script.includes('common.sh') ? common : ''}`.matchAll(/\$\{?([A-Z_]+)/g)].map(
          ([, name = '']) => name,
        ),
      );
      for (const name of ['GITHUB_ACTION_PATH', 'GITHUB_OUTPUT', 'GITHUB_PATH', 'RUNNER_OS', 'RUNNER_TEMP'])
        read.delete(name);
      for (const name of Object.keys(env)) expect([...read], run).toContain(name);
      // The common part reads SITES and ARCH only if they are set.
      for (const name of ['SITES', 'ARCH']) read.delete(name);
      for (const name of read) expect(Object.keys(env), run).toContain(name);
    }
  });

  test('runs each script of its directory', () => {
    const run = runs.steps.flatMap((step) => /\/([\w-]+\.sh)"$/.exec(step.run ?? '')?.[1] ?? []);
    expect(['common.sh', ...run].sort()).toEqual([...SCRIPTS].sort());
  });
});

/** Returns the script that a step runs. */
function scriptOf(run: string): string {
  const [, name] = /\/([\w-]+\.sh)"$/.exec(run) ?? [];
  return name === undefined ? '' : readFileSync(join(ACTION, name), 'utf8');
}

describe('build.sh', () => {
  /** Runs it in a checkout with a counterfeit npm, whose calls it returns. */
  function build({ isBuilt, node }: { readonly isBuilt: boolean; readonly node?: string }): {
    readonly status: number | null;
    readonly stdout: string;
    readonly calls: string;
  } {
    const checkout = mkdtempSync(join(tmpdir(), 'cygstrap-build-'));
    try {
      const action = join(checkout, '.github/actions/cygstrap');
      cpSync(ACTION, action, { recursive: true });
      for (const name of ['bin', 'programs', ...(isBuilt ? ['dist/program'] : [])])
        mkdirSync(join(checkout, name), { recursive: true });
      writeFileSync(join(checkout, 'bin/cygstrap.js'), 'console.log("0.0.0");');
      if (isBuilt) writeFileSync(join(checkout, 'dist/program/main.js'), '');
      const program = (name: string, text: string): void => {
        writeFileSync(join(checkout, 'programs', name), `#!/bin/sh\n${text}\n`);
        chmodSync(join(checkout, 'programs', name), 0o755);
      };
      program('npm', 'echo "$@" >>calls');
      program('node', node ?? `exec "${process.execPath}" "$@"`);
      writeFileSync(join(checkout, 'calls'), '');
      const { status, stdout } = spawnSync('bash', [join(action, 'build.sh')], {
        encoding: 'utf8',
        env: { PATH: `${join(checkout, 'programs')}:${process.env['PATH'] ?? ''}`, GITHUB_ACTION_PATH: action },
      });
      return { status, stdout, calls: readFileSync(join(checkout, 'calls'), 'utf8') };
    } finally {
      rmSync(checkout, { recursive: true });
    }
  }

  test('builds a new checkout without the install scripts of dependencies', () => {
    expect(build({ isBuilt: false })).toEqual({
      status: 0,
      stdout: '0.0.0\n',
      calls: 'ci --ignore-scripts --no-audit --no-fund\nrun build\n',
    });
  });

  test('builds once only', () => {
    expect(build({ isBuilt: true })).toEqual({ status: 0, stdout: '0.0.0\n', calls: '' });
  });

  test('names the Node.js that it needs', () => {
    const { status, stdout, calls } = build({ isBuilt: false, node: 'exit 1' });
    expect({ status, calls }).toEqual({ status: 1, calls: '' });
    expect(stdout).toMatch(/^::error::cygstrap needs Node\.js 20\.19 or later/);
  });

  test.each([
    ['18.20.0', 1],
    ['20.18.3', 1],
    ['20.19.0', 0],
    ['22.0.0', 0],
  ])('with Node.js %s it ends with %i', (version, status) => {
    const preload = `data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"${version}"}})`;
    const node = `exec "${process.execPath}" --import '${preload}' "$@"`;
    expect(build({ isBuilt: true, node })).toMatchObject({ status, calls: '' });
  });
});
