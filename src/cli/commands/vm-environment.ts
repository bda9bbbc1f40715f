import { UsageError } from '../failure.ts';
import type { Session } from '../session.ts';

/** Names of places and of the session on this computer, which mean nothing in a guest. */
const OF_THIS_COMPUTER =
  /^(?:PATH|HOME|PWD|OLDPWD|SHELL|SHLVL|_|TMPDIR|TMP|TEMP|USER|LOGNAME|HOSTNAME|TERM|DISPLAY|MAIL|LD_.*|XDG_.*|SSH_.*|DBUS_.*)$/;

export interface EnvironmentArguments {
  readonly env?: readonly string[] | undefined;
  readonly allEnv?: boolean | undefined;
}

/** The variables for a command in a guest. Throws UsageError for a word that names none. */
export function environmentOf({ host }: Session, { env = [], allEnv }: EnvironmentArguments): Record<string, string> {
  const variables: Record<string, string> = {};
  if (allEnv === true)
    for (const [name, value] of Object.entries(host.env))
      if (value !== undefined && !OF_THIS_COMPUTER.test(name)) variables[name] = value;
  for (const word of env) {
    const [, name, value] = /^([A-Za-z_]\w*)(?:=([^]*))?$/.exec(word) ?? [];
    if (name === undefined) throw new UsageError(`--env is no variable: \`${word}\``, 'write NAME=VALUE, or NAME');
    const taken = value ?? host.env[name];
    if (taken === undefined) throw new UsageError(`there is no variable \`${name}\` here`, 'write NAME=VALUE');
    variables[name] = taken;
  }
  return variables;
}
