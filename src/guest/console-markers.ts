import { withoutControls } from '../printable.ts';
import { FINDING_KINDS } from './finding.ts';
import type { Finding } from './finding.ts';

/** A message of a guest on its serial console: a line `@cygstrap WORD ...`. */
export type ConsoleMarker =
  /** A step of the installation starts; `step` is its number, if it is one of several. */
  | { readonly kind: 'stage'; readonly name: string; readonly step?: { readonly number: number; readonly of: number } }
  /** The ssh host key of the guest: `ssh-ed25519 AAAA...`. */
  | { readonly kind: 'hostkey'; readonly key: string }
  /** The installation has finished; the nonce is that of the answer medium. */
  | { readonly kind: 'installed'; readonly nonce: string }
  /** The guest has failed. */
  | { readonly kind: 'failed'; readonly text: string }
  /** A difference between the lock and what is installed. */
  | { readonly kind: 'finding'; readonly finding: Finding }
  /** The packages were compared with the lock. */
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  /** The installation continues, with a restriction. */
  | { readonly kind: 'warning'; readonly text: string }
  /** The guest has booted and its services run. */
  | { readonly kind: 'ready' }
  /** Controller: it can be saved now. */
  | { readonly kind: 'waiting' }
  /** Controller: ssh of the guest responds, and the command of the job starts. */
  | { readonly kind: 'running' }
  /** Controller: the command of the job has ended. */
  | { readonly kind: 'exit'; readonly code: number };

/** End of a check of the installed packages. */
export interface Verdict {
  /** Number of markers `finding` of this check, so that a lost line is noticed. */
  readonly findings: number;
  /** Number of packages that the guest has compared with the lock. */
  readonly packages: number;
}

const LONGEST_TEXT = 300;
const HOST_KEY = /^(?:ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/]{32,800}={0,2}$/;

/** Parses a line of the console. Text before the marker is ignored: a kernel can print to the same line. Returns
 *  undefined for any other line, and for a malformed marker. */
export function parseMarker(line: string): ConsoleMarker | undefined {
  const [, word = '', rest = ''] = /@cygstrap ([a-z]+)(?: (.*?))?\s*$/.exec(line) ?? [];
  switch (word) {
    case 'stage':
      return parseStage(rest);
    case 'hostkey':
      return HOST_KEY.test(rest) ? { kind: 'hostkey', key: rest } : undefined;
    case 'installed':
      return /^[\w-]{1,100}$/.test(rest) ? { kind: 'installed', nonce: rest } : undefined;
    case 'failed':
    case 'warning':
      return { kind: word, text: withoutControls(rest).slice(0, LONGEST_TEXT) };
    case 'finding':
      return parseFinding(rest);
    case 'verdict':
      return parseVerdict(rest);
    case 'ready':
    case 'waiting':
    case 'running':
      return rest === '' ? { kind: word } : undefined;
    case 'exit':
      return /^\d{1,3}$/.test(rest) ? { kind: 'exit', code: Number(rest) } : undefined;
    default:
      return undefined;
  }
}

function parseStage(text: string): ConsoleMarker | undefined {
  const [, name, number, of] = /^([\w-]{1,40})(?: (\d{1,6})\/(\d{1,6}))?$/.exec(text) ?? [];
  if (name === undefined) return undefined;
  return { kind: 'stage', name, ...(number !== undefined && { step: { number: Number(number), of: Number(of) } }) };
}

function parseFinding(text: string): ConsoleMarker | undefined {
  const [, word, subject, rest = ''] = /^([a-z]{1,20}) (\S{1,200})(?: (.*))?$/.exec(withoutControls(text)) ?? [];
  const kind = FINDING_KINDS.find((each) => each === word);
  if (kind === undefined || subject === undefined) return undefined;
  return { kind: 'finding', finding: { kind, subject, text: rest.slice(0, LONGEST_TEXT) } };
}

function parseVerdict(text: string): ConsoleMarker | undefined {
  const [, findings, packages] = /^(\d{1,6}) (\d{1,6})$/.exec(text) ?? [];
  if (findings === undefined) return undefined;
  return { kind: 'verdict', verdict: { findings: Number(findings), packages: Number(packages) } };
}
