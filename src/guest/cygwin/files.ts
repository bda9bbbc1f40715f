import type { Answers } from '../kind.ts';
import { configureScript } from './configure.ts';
import { CYGWIN_FILES } from './medium.ts';
import { FSTAB } from './shares.ts';
import { verifyFiles } from './verify.ts';

/** Returns the files for Cygwin on the answer medium, by path: the scripts that configure and check it, and what they
 *  read. Their lines end with LF. Pure.
 *  @param prefix their directory with a slash at its end; empty for the root directory */
export function cygwinFiles(
  prefix: string,
  user: string,
  { authorizedKey, hostKey, password, archives }: Pick<Answers, 'authorizedKey' | 'hostKey' | 'password' | 'archives'>,
): ReadonlyMap<string, Uint8Array> {
  const texts = new Map([
    ...verifyFiles(archives),
    [CYGWIN_FILES.configure, configureScript(user)],
    [CYGWIN_FILES.hostKey, hostKey.privateKey],
    [`${CYGWIN_FILES.hostKey}.pub`, `${hostKey.publicKey}\n`],
    [CYGWIN_FILES.authorizedKeys, `${authorizedKey.trim()}\n`],
    [CYGWIN_FILES.password, `${password}\n`],
    [CYGWIN_FILES.fstab, FSTAB],
  ]);
  return new Map([...texts].map(([name, text]) => [`${prefix}${name}`, Buffer.from(text)]));
}

/** Returns the paths of these files. */
export function cygwinFileNames(prefix: string): string[] {
  const answers = { authorizedKey: '', hostKey: { privateKey: '', publicKey: '' }, password: '', archives: [] };
  return [...cygwinFiles(prefix, '', answers).keys()];
}
