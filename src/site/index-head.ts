import { SetupIniParser } from '../core/setup-ini/parser/parse.ts';
import { CygstrapError } from '../errors.ts';
import { openIndex } from '../input/open-index.ts';

/** The header of an index that identifies it. */
export interface IndexHead {
  readonly release: string | null;
  readonly arch: string | null;
  /** When the index was made, in seconds since 1970. */
  readonly timestamp: number | null;
}

/** Days after which an index is reported as old. Cygwin's index changes several times a week, and a mirror that lags
 *  catches up within days; a distribution's quiet season is shorter than two months. */
const OLD_DAYS = 60;

const DAY_SECONDS = 24 * 60 * 60;

/** Reads the header of an index, compressed or not, up to its first package. Damaged bytes have no header: reading the
 *  whole index reports them. Rejects with the reason of the signal. */
export async function readHead(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<IndexHead> {
  const parser = new SetupIniParser({ file: 'index', lenient: true });
  try {
    for await (const chunk of openIndex(only(bytes), { signal, digest: false }).chunks)
      if (parser.push(chunk).length > 0) break;
  } catch (error) {
    if (!(error instanceof CygstrapError) || signal?.aborted === true) throw error;
  }
  const { release, arch, setupTimestamp } = parser.header;
  return { release: release ?? null, arch: arch ?? null, timestamp: setupTimestamp ?? null };
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

/** Returns a time for messages: `2023-11-14 22:13:20 UTC`. */
export function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime())
    ? `${seconds} seconds after 1970`
    : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Returns the warning for an index that is much older than `now`; undefined for a newer one and for one without
 *  timestamp. */
export function ageWarning(address: string, { timestamp }: IndexHead, now: Date): string | undefined {
  if (timestamp === null) return undefined;
  const days = Math.floor((now.getTime() / 1000 - timestamp) / DAY_SECONDS);
  if (days <= OLD_DAYS) return undefined;
  return (
    `\`${address}\` is ${days} days old, from ${timeText(timestamp)}: it lacks all later packages and fixes, unless ` +
    'the site is dated on purpose'
  );
}
