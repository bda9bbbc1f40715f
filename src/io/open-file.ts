import { spawn } from 'node:child_process';
import { CygstrapError } from '../errors.ts';
import { DOCTOR_HINT } from './doctor-hint.ts';
import { withoutSecrets } from './secret-variables.ts';

/** Opens a file with the program that the desktop has for it. The program is not a part of this process: it stays when
 *  this process ends. Throws `tool` if there is no desktop. */
export async function openFile(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  const [program, ...args] =
    platform === 'win32'
      ? ['rundll32.exe', 'url.dll,FileProtocolHandler', path]
      : [platform === 'darwin' ? 'open' : 'xdg-open', path];
  const child = spawn(program ?? '', args, { stdio: 'ignore', detached: true, env: withoutSecrets(environment) });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(
        new CygstrapError('tool', `cannot open \`${path}\`: \`${program}\` does not start`, {
          hint: DOCTOR_HINT,
          cause,
        }),
      ),
    );
  });
  child.unref();
}
