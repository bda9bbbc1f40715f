import { spawn } from 'node:child_process';
import { MediaError } from './media-error.ts';

/** A program of the system that writes images. */
export type Tool = 'xorriso' | 'mformat' | 'mcopy';

/** What installs a tool, by distribution. */
const PACKAGES: Record<Tool, string> = {
  xorriso:
    '`apt install xorriso` (Debian), `dnf install xorriso` (Fedora), `pacman -S libisoburn` (Arch), `nix-shell -p xorriso` (Nix)',
  mformat:
    '`apt install mtools` (Debian), `dnf install mtools` (Fedora), `pacman -S mtools` (Arch), `nix-shell -p mtools` (Nix)',
  mcopy:
    '`apt install mtools` (Debian), `dnf install mtools` (Fedora), `pacman -S mtools` (Arch), `nix-shell -p mtools` (Nix)',
};

/** Last words of a tool that are kept, in characters. */
const TAIL_CHARS = 4096;

export interface ToolOptions {
  /** What the tool takes for now, in seconds since 1970. */
  readonly dateSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a tool to its end, without input, and apart from the user's settings for it: UTC, no locale, no configuration files.
 *  Throws `no-tool` with the packages that have it, `tool-failed` with its last words, and the signal's reason once it is dead. */
export async function runTool(
  tool: Tool,
  args: readonly string[],
  { dateSeconds, signal }: ToolOptions,
): Promise<void> {
  signal?.throwIfAborted();
  const env = {
    PATH: process.env['PATH'],
    TZ: 'UTC',
    LC_ALL: 'C',
    SOURCE_DATE_EPOCH: `${dateSeconds}`,
    MTOOLSRC: '/dev/null',
  };
  const child = spawn(tool, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  // What it writes is to be thrown away on an abort, so it need not tidy up.
  const kill = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  let tail = '';
  const keep = (chunk: string): void => {
    tail = (tail + chunk).slice(-TAIL_CHARS);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  try {
    const end = await new Promise<{ readonly exit: number | null; readonly killedBy: string | null }>(
      (resolve, reject) => {
        child.on('error', reject);
        child.on('close', (exit, killedBy) => resolve({ exit, killedBy }));
      },
    );
    signal?.throwIfAborted();
    if (end.exit !== 0) throw failed(tool, args, { ...end, tail });
  } catch (error) {
    if (error instanceof MediaError || !(error instanceof Error && 'syscall' in error)) throw error;
    if (!('code' in error && error.code === 'ENOENT'))
      throw new MediaError('tool-failed', `\`${tool}\` cannot be started`, {
        details: { argv: [tool, ...args] },
        cause: error,
      });
    throw new MediaError('no-tool', `\`${tool}\` is not installed`, {
      hint: `install it: ${PACKAGES[tool]}`,
      details: { tool },
      cause: error,
    });
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}

function failed(
  tool: Tool,
  args: readonly string[],
  { exit, killedBy, tail }: { readonly exit: number | null; readonly killedBy: string | null; readonly tail: string },
): MediaError {
  const words = tail.split('\n').filter((line) => line.trim() !== '');
  const last = words.findLast((line) => /FAILURE|FATAL|SORRY|error/i.test(line)) ?? words.at(-1);
  const how = exit === null ? `was ended by ${killedBy ?? 'the system'}` : `ended with exit code ${exit}`;
  return new MediaError('tool-failed', `\`${tool}\` ${how}${last === undefined ? '' : `: ${last.trim()}`}`, {
    details: { argv: [tool, ...args], exit, signal: killedBy, tail },
  });
}
