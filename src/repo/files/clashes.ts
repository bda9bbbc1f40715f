import { closeSync, openSync, readSync } from 'node:fs';
import { CygstrapError } from '../../errors.ts';
import type { IndexForm } from '../../core/setup-ini/forms.ts';

/** Something in the place of a file of a repo, which cygstrap did not put there. */
export interface Clash {
  /** Relative to the root of the repo. */
  readonly path: string;
  /** A noun phrase. */
  readonly what: string;
}

/** Number of clashes that a message lists; the details have all. */
const SHOWN_CLASHES = 20;

/** The first bytes of a compressed index. */
const MAGIC: Readonly<Record<Exclude<IndexForm, 'ini'>, string>> = {
  zst: '28b52ffd',
  xz: 'fd377a585a00',
  bz2: '425a68',
};

/** The first line of an index that is not blank and not a comment. */
const INI_START = /^(?:(?:release|arch|setup-[a-z]+|include-setup):|@ )/;

/** First bytes of a detached OpenPGP signature: a packet with tag 2, or armor. */
const SIGNATURE_START = /^(?:[\x88-\x8b\xc2]|-----BEGIN PGP SIGNATURE)/;

const START_BYTES = 65_536;

/** The error for files that are in the way; nothing was changed. */
export function clashError(root: string, clashes: readonly Clash[]): CygstrapError {
  const sorted = clashes.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const lines = sorted.map(({ path, what }) => `\n  - \`${path}\`: ${what}`);
  const rest = lines.length > SHOWN_CLASHES ? `\n  - ... and ${lines.length - SHOWN_CLASHES} more` : '';
  return new CygstrapError(
    'repo',
    `\`${root}\` has files in the way that cygstrap did not put there:${lines.slice(0, SHOWN_CLASHES).join('')}${rest}`,
    { hint: 'move them away, or use another directory', details: { clashes: sorted } },
  );
}

/** Returns whether a file in the place of an index has the content of one, or of a signature, or is empty. Such a file
 *  belongs to a download directory of setup and may be replaced. Throws errors of the system. */
export function isIndexContent(location: string, form: IndexForm, isSignature: boolean): boolean {
  const start = Buffer.alloc(START_BYTES);
  const file = openSync(location, 'r');
  let text: string;
  try {
    text = start.toString('latin1', 0, readSync(file, start, 0, START_BYTES, 0));
  } finally {
    closeSync(file);
  }
  if (text === '') return true;
  if (isSignature) return SIGNATURE_START.test(text);
  if (form !== 'ini') return text.startsWith(Buffer.from(MAGIC[form], 'hex').toString('latin1'));
  const lines = text.split('\n').map((line) => line.trim());
  return INI_START.test(lines.find((line) => line !== '' && !line.startsWith('#')) ?? '');
}
