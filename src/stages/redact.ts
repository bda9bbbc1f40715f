/** What must not be in a text that a user sends to others. */
export interface PrivateFacts {
  /** Exact texts, such as passwords; empty ones are ignored. */
  readonly secrets: readonly string[];
  /** Home directory of the user, without `/` at its end. */
  readonly home: string;
  /** Login name of the user. */
  readonly user: string;
}

const REMOVED = '[removed]';

/** Forms of secrets in any text, and what replaces them. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REMOVED],
  // Product keys of Windows.
  [/[A-Z0-9]{5}(?:-[A-Z0-9]{5}){4}/gi, REMOVED],
  // Passwords of answer files: XML, then winnt.sif.
  [/(<(\w*Password)\b[^>]*>\s*(?:<Value>)?)[^<]+/gi, `$1${REMOVED}`],
  [/(AdminPassword|Product(?:Key|ID))\s*=.*/gi, `$1=${REMOVED}`],
  // User names and passwords of URLs.
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1'],
  [/((?:password|passwd|passphrase)\s*[=:]\s*)\S+/gi, `$1${REMOVED}`],
];

/** Returns a function that removes private data from a text: secrets, private keys, product keys, passwords of answer
 *  files and URLs; the home directory and the user in paths become `~`. Pure. */
export function redactor({ secrets, home, user }: PrivateFacts): (text: string) => string {
  const exact = secrets.flatMap(formsOf).sort((a, b) => b.length - a.length);
  const isHomeNamed = home.length > 1;
  const userInPath = user === '' ? undefined : new RegExp(`(?<=[/\\\\])${escaped(user)}(?=$|[^\\w.-])`, 'gm');
  return (text) => {
    let clean = exact.reduce((left, secret) => left.replaceAll(secret, REMOVED), text);
    for (const [pattern, replacement] of PATTERNS) clean = clean.replaceAll(pattern, replacement);
    if (isHomeNamed) clean = clean.replaceAll(new RegExp(`${escaped(home)}(?![\\w.-])`, 'g'), '~');
    return userInPath === undefined ? clean : clean.replaceAll(userInPath, '~');
  };
}

/** Removes private data from every text in a JSON document; a text that is not JSON is cleaned as it is. Pure. */
export function cleanJson(json: string, clean: (text: string) => string): string {
  try {
    const value: unknown = JSON.parse(json, (_, each: unknown) => (typeof each === 'string' ? clean(each) : each));
    return `${JSON.stringify(value, undefined, 2)}\n`;
  } catch {
    return clean(json);
  }
}

/** Returns a secret, and how answer files of Windows encode a password: base64 of UTF-16LE of the password and a fixed
 *  word. */
function formsOf(secret: string): string[] {
  const text = secret.trim();
  if (text === '') return [];
  const encoded = ['', 'Password', 'AdministratorPassword'].map((word) =>
    Buffer.from(`${text}${word}`, 'utf16le').toString('base64'),
  );
  return [text, ...encoded, JSON.stringify(text).slice(1, -1), encodeURIComponent(text)];
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
