import { existsSync } from 'node:fs';
import { GuestError } from '../../guest/guest-error.ts';

/** Where an installation was when it failed, and what shows it. */
export interface FailurePlace {
  /** Name of the phase or step. */
  readonly step: string;
  readonly consoleLog: string;
  /** Path of the last screenshot; the file can be missing. */
  readonly screen: string;
}

export interface FailureHints {
  /** What to do; the first part of the hint. */
  readonly before?: string | undefined;
  /** The last part of the hint. */
  readonly after?: string;
}

/** Returns the error of a failed installation: its hint names the phase, the console log and the last screen,
 *  and the command that packs them.
 *  @param what begins with its kind: `the installation failed: ...` or `the installation hangs: ...` */
export function installError(
  what: string,
  { step, consoleLog, screen }: FailurePlace,
  { before, after = '' }: FailureHints = {},
): GuestError {
  const hasScreen = existsSync(screen);
  const look =
    `see step \`${step}\` in its console log \`${consoleLog}\`` +
    (hasScreen ? ` and its last screen \`${screen}\`` : '');
  return new GuestError('guest', what, {
    hint: `${before === undefined ? '' : `${before}; `}${look}${after}; \`cygstrap vm evidence\` packs them`,
    details: { step, consoleLog, ...(hasScreen && { screen }) },
  });
}
