import type { Setting } from '../../api/settings.ts';
import { columns } from '../../report/text.ts';
import { defineCommand } from '../options/declare.ts';
import type { Command } from '../options/declare.ts';
import { OUTPUT_OPTIONS } from '../options/options.ts';
import { CONFIG_OPTION } from '../options/project.ts';
import { OTHER_VARIABLES, isSecret, variableOf } from '../options/variables.ts';
import { EXIT_DONE } from '../terminal/failure.ts';

/** The option of each setting that has one. */
const OPTION_OF: Readonly<Record<string, string>> = {
  lock: 'lock',
  addSites: 'add-site',
  keyring: 'keyring',
  categories: 'category',
  buildDepends: 'build-depends',
  arch: 'arch',
  windows: 'windows',
  base: 'no-base',
  test: 'test',
  source: 'source',
  repo: 'repo',
  layout: 'layout',
  vmDirectory: 'vm-dir',
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Declares the command; `commands` returns all commands, whose options have variables. */
export const configCommandOf = (commands: () => readonly Command[]): Command =>
  defineCommand({
    name: 'config',
    summary: 'Print the settings of a command without options, and where each comes from',
    options: { ...CONFIG_OPTION, ...OUTPUT_OPTIONS },
    examples: [['config', 'mirrors, keys, request, directories and variables']],
    async run({ host, output }, args) {
      const { listSettings } = await import('../../api/settings.ts');
      const listed = await listSettings({ config: args.config }, { env: host.env });
      const settings = listed.map((setting) => overridden(setting, host.env));
      const variables = variablesOf(host.env, commands());
      if (args.json) {
        const { SCHEMA } = await import('../../report/json.ts');
        await output.json({ schema: SCHEMA, settings, variables });
      } else {
        const rows = settings.map(({ name, value, from }) => [name, valueText(value), from]);
        const further = variables.map(({ name, value, sets }) => [name, value ?? '(hidden)', sets ?? '(unknown)']);
        await output.data(columns([['SETTING', 'VALUE', 'FROM'], ...rows]));
        if (further.length > 0) await output.data(`\n${columns([['VARIABLE', 'VALUE', 'SETS'], ...further])}`);
      }
      return EXIT_DONE;
    },
  });

/** Returns a setting under the variable of its option. */
function overridden(setting: Setting, environment: Environment): Setting {
  const option = OPTION_OF[setting.name];
  const variable = option === undefined ? '' : variableOf(option);
  const text = environment[variable] ?? '';
  if (text === '' || (typeof setting.value === 'boolean' && text !== '1')) return setting;
  const value =
    typeof setting.value === 'boolean'
      ? setting.name !== 'base'
      : Array.isArray(setting.value)
        ? text.split(/\s+/).filter((item) => item !== '')
        : text;
  return { ...setting, value, from: `the variable ${variable}` };
}

interface SetVariable {
  readonly name: string;
  /** Null: a secret, or unknown. */
  readonly value: string | null;
  /** The option or behavior that it sets; null for a variable that cygstrap does not read. */
  readonly sets: string | null;
}

/** Lists the variables of the environment that cygstrap reads, and others that begin like them. */
function variablesOf(environment: Environment, commands: readonly Command[]): readonly SetVariable[] {
  const options = commands.flatMap(({ options: declared }) => Object.keys(declared));
  const known = new Map(options.map((name) => [variableOf(name), `--${name}`]));
  for (const [name, sets] of Object.entries(OTHER_VARIABLES)) known.set(name, sets);
  return Object.keys(environment)
    .filter((name) => (environment[name] ?? '') !== '' && (known.has(name) || name.startsWith('CYGSTRAP_')))
    .sort()
    .map((name) => {
      const sets = known.get(name) ?? null;
      return { name, value: sets === null || isSecret(name) ? null : (environment[name] ?? ''), sets };
    });
}

function valueText(value: Setting['value']): string {
  if (value === null) return 'none';
  if (typeof value !== 'object') return `${value}`;
  return value.length === 0 ? 'none' : value.join(' ');
}
