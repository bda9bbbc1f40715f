import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { readDiskLogs } from '../guest/disk-logs.ts';
import { GuestError } from '../guest/guest-error.ts';
import type { InstallKit } from '../guest/kind.ts';
import type { Diagnosis, SetupLogs } from '../guest/setup-logs.ts';
import type { StageContext } from './context.ts';
import type { LogPaths } from './layout.ts';
import { redactor } from './redact.ts';

/** Reading the logs takes a second; a slow disk must not delay the report of the failure for long. */
const READ_TIMEOUT_MS = 60_000;

/** Name of the file with the known causes, and of that with what could not be read. */
const DIAGNOSIS_FILE = 'diagnosis.txt';
const PROBLEMS_FILE = 'problems.txt';

export interface FailedInstall {
  readonly kit: Pick<InstallKit, 'setupLogs'>;
  /** Texts that the kept logs must not contain. */
  readonly secrets: readonly string[];
  /** The disk; no machine uses it any more when `install` has failed. */
  readonly disk: string;
  readonly logs: Pick<LogPaths, 'console' | 'setup'>;
}

/** Calls `install`. If it fails, keeps the logs of the installer from the disk, without secrets. A known cause in the
 *  logs becomes the first cause of the message, and its advice begins the hint. Never hides the failure. Throws what
 *  `install` throws, or the same error with these additions. */
export async function keepingSetupLogs(
  { host, signal }: Pick<StageContext, 'host' | 'signal'>,
  failed: FailedInstall,
  install: () => Promise<void>,
): Promise<void> {
  try {
    await install();
  } catch (error) {
    const { setupLogs } = failed.kit;
    if (signal.aborted || setupLogs === undefined || !(error instanceof Error)) throw error;
    const stop = AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT_MS)]);
    const known = await keepLogs(failed, { host, setupLogs, signal: stop }).catch(() => []);
    throw explained(error, known[0]);
  }
}

interface Keeping extends Pick<StageContext, 'host' | 'signal'> {
  readonly setupLogs: SetupLogs;
}

async function keepLogs(
  { secrets, disk, logs: places }: FailedInstall,
  { host, setupLogs, signal }: Keeping,
): Promise<readonly Diagnosis[]> {
  const clean = redactor({ secrets, home: homedir(), user: userInfo().username });
  const { logs, problems } = await readDiskLogs(host, disk, { paths: setupLogs.paths, signal });
  const consoleLog = { name: 'console', text: await readFile(places.console, 'utf8').catch(() => '') };
  const known = setupLogs.diagnose([...logs, consoleLog]);
  await mkdir(places.setup, { recursive: true, mode: 0o700 });
  const keep = async (name: string, text: string): Promise<void> =>
    writeFile(join(places.setup, name), clean(text), { mode: 0o600 });
  for (const { name, text } of logs) await keep(name.replaceAll('/', '_'), text);
  if (problems.length > 0) await keep(PROBLEMS_FILE, problems.map((each) => `${each}\n`).join(''));
  if (known.length > 0) await keep(DIAGNOSIS_FILE, known.map(diagnosisText).join('\n'));
  return known;
}

function diagnosisText({ cause, advice, log, line }: Diagnosis): string {
  return `cause: ${cause}\nadvice: ${advice}\n${log}: ${line}\n`;
}

/** How the message of a failed installation begins; others are, for example, `the installation hangs: ...`. */
const FAILED = 'the installation failed: ';

/** Returns the error with a known cause at the beginning of its message, and the advice before its hint. */
function explained(error: Error, known: Diagnosis | undefined): Error {
  if (known === undefined || !(error instanceof GuestError) || error.code !== 'guest') return error;
  const { message, details, cause } = error;
  const seen = message.startsWith(FAILED) ? message.slice(FAILED.length) : message;
  const hint = [known.advice, error.hint].filter((each) => each !== undefined).join('; ');
  return new GuestError('guest', `${FAILED}${known.cause}; ${seen}`, { hint, details, cause });
}
