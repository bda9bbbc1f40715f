import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';
import { NO_SITES } from '../support/no-sites.ts';
import { PROJECT } from '../support/transcript.ts';

export const ACTION = join(PROJECT, '.github/actions/cygstrap');

export interface Step {
  readonly name?: string;
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly shell?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Action {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default: string }>>;
  readonly outputs: Readonly<Record<string, { readonly description: string; readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

export function readAction(): Action {
  return parse(readFileSync(join(ACTION, 'action.yml'), 'utf8')) as Action;
}

/** Returns the names in the expressions of a text, such as `inputs.site`. */
export function namesIn(text: string): string[] {
  return [...text.matchAll(/\b(?:inputs|steps|runner|github|env)\.[\w.-]+/g)].map(([name]) => name);
}

/** Evaluates an expression with the operators `||`, `&&`, `==` and `!=`, texts in single quotes, and names. */
export function evaluate(expression: string, valueOf: (name: string) => string): string {
  const either = expression.split('||');
  if (either.length > 1) {
    const values = either.map((each) => evaluate(each, valueOf));
    return values.find((each) => isTrue(each)) ?? values.at(-1) ?? '';
  }
  const both = expression.split('&&');
  if (both.length > 1) return String(both.every((each) => isTrue(evaluate(each, valueOf))));
  const [, left = '', operator, right = ''] = /^(.*?)([=!]=)(.*)$/.exec(expression) ?? [];
  if (operator !== undefined)
    return String((evaluate(left, valueOf) === evaluate(right, valueOf)) === (operator === '=='));
  const word = expression.trim();
  return /^'[^']*'$/.test(word) ? word.slice(1, -1) : valueOf(word);
}

/** The comparisons of these expressions make `false`, which is not true as a text in GitHub either way. */
function isTrue(value: string): boolean {
  return value !== '' && value !== 'false';
}

function filled(text: string, valueOf: (name: string) => string): string {
  return text.replaceAll(/\$\{\{(.*?)\}\}/g, (_, expression: string) => evaluate(expression, valueOf));
}

/** A runner of GitHub with one job, as far as the action uses it. */
export interface Runner {
  /** Of the job: its workspace, its temporary directory and its cache are below it. */
  readonly directory: string;
  readonly os: 'Linux' | 'Windows';
  /** Variables of the workflow. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called after each step that ran, with its name. */
  readonly after?: (name: string) => void;
}

export interface Job {
  readonly isSuccess: boolean;
  /** Names of the steps that ran. */
  readonly steps: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  /** What the job added to the PATH. */
  readonly path: readonly string[];
  readonly log: string;
}

/** Runs the action with these inputs as GitHub does, in a job with an empty temporary directory: a step that fails ends
 *  the job. The caches are directories. */
export async function runAction(inputs: Readonly<Record<string, string>>, runner: Runner): Promise<Job> {
  const action = readAction();
  const { directory, after = () => {} } = runner;
  rmSync(join(directory, 'temp'), { recursive: true, force: true });
  for (const name of ['workspace', 'temp', 'cache']) mkdirSync(join(directory, name), { recursive: true });
  const unknown = Object.keys(inputs).filter((name) => !Object.hasOwn(action.inputs, name));
  if (unknown.length > 0) throw new Error(`unknown inputs: ${unknown.join(', ')}`);
  const values = new Map<string, string>();
  for (const [name, input] of Object.entries(action.inputs))
    values.set(`inputs.${name}`, inputs[name] ?? input.default);
  const valueOf = (name: string): string => {
    if (name.startsWith('inputs.') && !values.has(name)) throw new Error(`unknown input: ${name}`);
    return values.get(name) ?? '';
  };
  const pathFile = join(directory, 'path');
  writeFileSync(pathFile, '');
  const steps: string[] = [];
  let log = '';
  let isSuccess = true;
  for (const step of action.runs.steps) {
    const { name = '', id } = step;
    if (!isSuccess || !isTrue(evaluate(step.if ?? "'true'", valueOf))) continue;
    steps.push(name);
    const fill = (texts: Readonly<Record<string, string>> = {}): Record<string, string> =>
      Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, filled(text, valueOf)]));
    let outputs: ReadonlyMap<string, string>;
    if (step.uses === undefined) {
      const result = await runShell(step, { runner, env: fill(step.env), pathFile });
      ({ outputs } = result);
      isSuccess = result.isSuccess;
      log += result.log;
    } else outputs = useCache(step.uses, fill(step.with), join(directory, 'cache'));
    for (const [key, value] of outputs) values.set(`steps.${id}.outputs.${key}`, value);
    after(name);
  }
  return {
    isSuccess,
    steps,
    outputs: Object.fromEntries(
      Object.entries(action.outputs).map(([name, { value }]) => [name, filled(value, valueOf)]),
    ),
    path: linesOf(pathFile),
    log,
  };
}

/** Runs a step as `shell: bash` does. */
async function runShell(
  { run = '' }: Step,
  parts: { readonly runner: Runner; readonly env: Readonly<Record<string, string>>; readonly pathFile: string },
): Promise<{ readonly isSuccess: boolean; readonly outputs: ReadonlyMap<string, string>; readonly log: string }> {
  const { directory, os, env = {} } = parts.runner;
  const script = join(directory, 'step.sh');
  const outputFile = join(directory, 'output');
  writeFileSync(script, run);
  writeFileSync(outputFile, '');
  const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: join(directory, 'workspace'),
    env: {
      PATH: [join(process.execPath, '..'), process.env['PATH'] ?? ''].join(delimiter),
      HOME: directory,
      XDG_CONFIG_HOME: NO_SITES,
      GITHUB_ACTION_PATH: ACTION,
      GITHUB_OUTPUT: outputFile,
      GITHUB_PATH: parts.pathFile,
      RUNNER_OS: os,
      RUNNER_TEMP: join(directory, 'temp'),
      ...env,
      ...parts.env,
    },
  });
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const outputs = linesOf(outputFile).map((line) => {
    const [, key = '', value = ''] = /^([\w-]+)=(.*)$/.exec(line) ?? [];
    if (key === '') throw new Error(`not an output: ${line}`);
    return [key, value] as const;
  });
  return { isSuccess: status === 0, outputs: new Map(outputs), log: stdout + stderr };
}

/** Plays `actions/cache/restore` and `actions/cache/save`: an entry is never replaced. */
function useCache(
  uses: string,
  { path = '', key = '' }: Readonly<Record<string, string>>,
  cache: string,
): ReadonlyMap<string, string> {
  if (path === '' || !/^[\w-]{1,512}$/.test(key)) throw new Error(`no path or key for ${uses}`);
  const entry = join(cache, key);
  const isThere = existsSync(entry);
  if (uses.startsWith('actions/cache/restore@')) {
    if (isThere) cpSync(entry, path, { recursive: true, preserveTimestamps: true });
    return new Map([['cache-hit', isThere ? 'true' : '']]);
  }
  if (!uses.startsWith('actions/cache/save@') || isThere) throw new Error(`the cache has ${key}, or not ${uses}`);
  cpSync(path, entry, { recursive: true, preserveTimestamps: true });
  return new Map();
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1);
}
