/** What a guest tells on its serial console. */
export type ConsoleMarker =
  /** A step of the installation begins; perhaps the so-manieth of several like it. */
  | { readonly kind: 'stage'; readonly name: string; readonly step?: { readonly number: number; readonly of: number } }
  /** The host key it made, `ssh-ed25519 AAAA...`. */
  | { readonly kind: 'hostkey'; readonly key: string }
  /** It is installed; the number is the one that its answers had. */
  | { readonly kind: 'installed'; readonly nonce: string }
  /** It gave up. */
  | { readonly kind: 'failed'; readonly text: string }
  /** It has booted and its services run. */
  | { readonly kind: 'ready' }
  /** A controller's: it may be saved. */
  | { readonly kind: 'waiting' }
  /** A controller's: the guest is seen, and the job's command runs; or has ended. */
  | { readonly kind: 'running' }
  | { readonly kind: 'exit'; readonly code: number };

const LONGEST_TEXT = 300;
const HOST_KEY = /^(?:ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/]{32,800}={0,2}$/;

/** Reads one line of a console: `@cygstrap WORD ...`, after anything that a kernel may have left on the line. Undefined for any other
 *  line, and for a message that is not as it must be. */
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
      return { kind: 'failed', text: printableText(rest) };
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

/** What a guest says reaches a terminal: no control characters, not without end. */
function printableText(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters must not reach a terminal
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '').slice(0, LONGEST_TEXT);
}
