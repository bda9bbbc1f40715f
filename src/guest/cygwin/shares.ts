import { SHARES_ADDRESS } from '../../vm/network/addresses.ts';
import { quoteWord } from '../../io/quoting.ts';
import { SHARE_NAMES } from '../shares.ts';
import { GUEST_PASSWORD_FILE } from './medium.ts';

export type ShareName = keyof typeof SHARE_NAMES;

/** Where a guest with Cygwin mounts the shares. */
export const CYGWIN_SHARES = { store: '/store', xchg: '/xchg' } as const satisfies Record<ShareName, string>;

const NAMES = Object.keys(SHARE_NAMES) as ShareName[];

/** Lines for /etc/fstab that mount the shares. Such a mount needs no connection to exist, and lasts. Without POSIX
 *  permissions: Cygwin would translate those of the server for each file, which is slow. */
export const FSTAB = NAMES.map(
  (name) => `//${SHARES_ADDRESS}/${SHARE_NAMES[name]} ${CYGWIN_SHARES[name]} smbfs binary,noacl,posix=0 0 0\n`,
).join('');

/** Connection attempts for a share: the first one after a resume can find the old connection closed. */
const ATTEMPTS = 5;

/** Prints what Windows answered, which is in the language of Windows, as one line of ASCII. */
const PRINT_ANSWER = `printf %s "$answer" | tr '\\r\\n' '  ' | LC_ALL=C tr -cd '\\40-\\176' >&2; echo >&2`;

/** Exits with 0 if the login reaches both shares. It starts no program. */
export const REACH_SHARES = `{ ${[...NAMES.map(enter), 'cd ~'].join(' && ')}; } 2>/dev/null`;

/** Returns a command that makes sure that both shares can be reached. If Windows has the password of the user for the
 *  login, it only enters both. If not, it connects them for this login by `net use`
 *  with the password in the home of the user. Exits with 1 and what Windows answered if a share cannot be connected.
 *  Pure.
 *  @param user name of the user of the shares: letters and digits */
export function connectCygwinShares(user: string): string {
  const connect = NAMES.map((name) => {
    const unc = quoteWord(uncOf(name));
    return (
      `tries=0; until ${enter(name)} 2>/dev/null; do ` +
      `if [ $tries -ge ${ATTEMPTS} ]; then printf 'cannot connect the share ${name}: ' >&2; ` +
      `${PRINT_ANSWER}; exit 1; fi; ` +
      `if [ $tries -gt 0 ]; then sleep 1; net use ${unc} /delete >/dev/null 2>&1 </dev/null; fi; ` +
      `tries=$((tries + 1)); ` +
      `answer=$(net use ${unc} "$password" ${quoteWord(`/user:controller\\${user}`)} 2>&1 </dev/null); done`
    );
  });
  const password = `IFS= read -r password <~/${GUEST_PASSWORD_FILE} || exit 1`;
  return `{ ${REACH_SHARES} || (${['cd ~', password, ...connect].join('; ')}); }`;
}

/** Returns a command that connects drive letters of Windows to shares, for this login, after the shares are connected.
 *  Exits with 1 and what Windows answered if a letter cannot be connected. Pure.
 *  @param drives share of each drive letter from `A` to `Z` */
export function connectDrives(drives: ReadonlyMap<string, ShareName>): string {
  return [...drives]
    .map(([letter, name]) => {
      const place = `/cygdrive/${letter.toLowerCase()}/.`;
      const use = `net use ${letter}: ${quoteWord(uncOf(name))} /persistent:no 2>&1 </dev/null`;
      const failed = `printf 'cannot connect drive ${letter}: to the share ${name}: ' >&2; ${PRINT_ANSWER}; exit 1`;
      return `{ [ -d ${place} ] || answer=$(${use}) || { ${failed}; }; }`;
    })
    .join(' && ');
}

function uncOf(name: ShareName): string {
  return `\\\\${SHARES_ADDRESS}\\${SHARE_NAMES[name]}`;
}

/** Not `[ -d ]`: Cygwin takes the root of a share for a directory if the server denies access. */
function enter(name: ShareName): string {
  return `cd ${CYGWIN_SHARES[name]}/.`;
}
