import { quoteWord } from '../../io/quoting.ts';
import type { GuestCommands } from '../kind.ts';
import { RESIDENT_NUMBER } from '../resident-number.ts';
import { CYGWIN_SHARES, REACH_SHARES, connectCygwinShares, connectDrives } from './shares.ts';

/** Returns the command lines for bash of Cygwin. Windows needs no entropy: Cygwin uses its random number generator.
 *  Pure.
 *  @param user name of the user: letters and digits */
export function cygwinCommands(user: string): GuestCommands {
  return {
    connectShares: connectCygwinShares(user),
    connectDrives,
    reachShares: REACH_SHARES,
    ...RESIDENT_NUMBER,
    setClock: (epochMs) => `date -u -s @${Math.round(epochMs / 1000)} >/dev/null`,
    readClock: 'date +%s%3N',
    runScript: (path) => `exec /bin/sh ${quoteWord(`${CYGWIN_SHARES.xchg}/${path}`)}`,
    // Hyphens: the form that Windows XP documents; later versions accept it too. The program ends at once.
    shutdown: '/cygdrive/c/Windows/System32/shutdown.exe -s -t 1 -f </dev/null >/dev/null',
  };
}
