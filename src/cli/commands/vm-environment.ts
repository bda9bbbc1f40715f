import { DEFAULTS } from '../../api/defaults.ts';
import { flag, list } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { UsageError } from '../terminal/failure.ts';
import type { Session } from '../terminal/session.ts';

/** Variables for paths and the session of this computer, which have no meaning in a guest. */
const LOCAL_NAMES =
  'PATH PWD OLDPWD HOME SHELL SHLVL SHELLOPTS BASHOPTS _ TMPDIR TMP TEMP USER USERNAME LOGNAME HOSTNAME ' +
  'TERM DISPLAY MAIL';
const LOCAL_VARIABLES = new RegExp(`^(?:${LOCAL_NAMES.replaceAll(' ', '|')}|(?:LD|XDG|SSH|DBUS)_.*)$`);

export const ENVIRONMENT_OPTIONS = {
  env: list('NAME[=VALUE]', 'Set a variable for the command; without VALUE to its value here; repeat for several'),
  'all-env': flag('Set all variables of this environment, except those for paths and the session of this computer'),
};

/** Returns the variables for a command in a guest; `--all-env` does not include the product key. Throws UsageError for
 *  a wrong or unknown variable. */
export function environmentOf(
  { host }: Session,
  { env, allEnv }: Arguments<typeof ENVIRONMENT_OPTIONS>,
): Record<string, string> {
  const variables: Record<string, string> = {};
  if (allEnv)
    for (const [name, value] of Object.entries(host.env)) {
      const isLocal = LOCAL_VARIABLES.test(name) || name === DEFAULTS.productKeyVariable;
      if (value !== undefined && !isLocal) variables[name] = value;
    }
  for (const word of env) {
    const [, name, value] = /^([A-Za-z_]\w*)(?:=([^]*))?$/.exec(word) ?? [];
    if (name === undefined) throw new UsageError(`--env has a wrong value: \`${word}\``, 'write NAME=VALUE, or NAME');
    const text = value ?? host.env[name];
    if (text === undefined) throw new UsageError(`the variable \`${name}\` is not set here`, 'write NAME=VALUE');
    variables[name] = text;
  }
  return variables;
}
