import { CygstrapError } from '../errors.ts';
import type { FetchError } from './base/fetch-error.ts';

/** Why an index was not used. `missing`: the site has none. `failed`: it was not received. `unsigned`: it has no
 *  signature. `foreign-key`: only keys that are not trusted signed it. `invalid`: its signature does not match, is
 *  damaged or too large. `older`: it is older than the newest index known of its signer. */
export type PassedOverKind = 'missing' | 'failed' | 'unsigned' | 'foreign-key' | 'invalid' | 'older';

/** A form of an index, or a whole site, that was not used. */
export interface PassedOver {
  readonly address: string;
  readonly why: string;
  readonly kind: PassedOverKind;
}

/** Hints in order of precedence. A mirror that lacks a signature is a bad mirror; accepting its index comes last, and
 *  never where a signature exists. */
const SIGNATURE_HINTS: readonly (readonly [PassedOverKind, string])[] = [
  [
    'invalid',
    'use another mirror, or retry later: the files of a mirror do not match each other while it is being updated; ' +
      '`cygstrap sites` lists the mirrors',
  ],
  ['foreign-key', 'use another mirror, or trust the key of this site with `--keyring FILE`'],
  [
    'unsigned',
    'use another mirror; `cygstrap sites` lists them. For a site of your own that signs nothing, pass ' +
      '`--unsigned-site ADDRESS`',
  ],
];

/** Returns the error for a search that found no acceptable index: `older-index`, `signature` or `not-found` with what
 *  was passed over, or `error` if the sites themselves failed. */
export function discoveryError(arch: string, all: readonly PassedOver[], error: FetchError): CygstrapError {
  const details = { arch, passedOver: all };
  const listing = all.map(({ address, why }) => `\n  - \`${address}\`: ${why}`).join('');
  const has = (wanted: PassedOverKind): boolean => all.some(({ kind }) => kind === wanted);
  if (has('older')) {
    return new CygstrapError('older-index', `the index for ${arch} is older than one that was used before${listing}`, {
      hint: 'use another site, which may be newer; `--allow-older-index` accepts an older index, as of a dated site',
      details,
    });
  }
  const [, hint] = SIGNATURE_HINTS.find(([kind]) => has(kind)) ?? [];
  if (hint !== undefined) {
    return new CygstrapError('signature', `no index for ${arch} has a valid signature of a trusted key${listing}`, {
      hint,
      details,
    });
  }
  if (all.length === 0 || has('failed')) return error;
  return new CygstrapError('not-found', `no site has an index for ${arch}${listing}`, {
    hint:
      `a site is the directory that contains \`${arch}` +
      `/\`${arch === 'x86' ? '' : '; indexes before 2013 need `--arch x86`'}`,
    details,
  });
}

/** Returns the address of a file of a site, for display. */
export function addressOf(siteName: string, path: string): string {
  return `${siteName.replace(/\/?$/, '/')}${path}`;
}
