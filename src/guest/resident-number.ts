import { quoteWord } from '../io/quoting.ts';
import type { GuestCommands } from './kind.ts';

/** Argument of the process that has the number; the number is the next one. */
const MARK = 'cygstrap-number';

/** Attempts to read a new number, ten a second. */
const ATTEMPTS = 600;

// The process forks for `sleep`; until that is started, two processes have the number.
const READ = `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | sed -n '/^${MARK}$/{n;p;}' | sort -u`;

/** The commands that store a number in the arguments of a resident process, for the shells of Linux and of Cygwin,
 *  which has no file system in RAM. The process has one more argument, so that the number has an end. */
export const RESIDENT_NUMBER: Pick<GuestCommands, 'storeNumber' | 'readNumber'> = {
  storeNumber(number) {
    // Only the last of these programs has the mark, so that the number is not read before it has started.
    const waits = `exec sh -c "while sleep 86400; do :; done" ${MARK} "$0" end`;
    const resident = `setsid sh -c ${quoteWord(waits)} ${quoteWord(number)}`;
    const isStored = `[ "$(${READ})" = ${quoteWord(number)} ]`;
    return (
      `{ ${resident} </dev/null >/dev/null 2>&1 & tries=0; until ${isStored}; do ` +
      `tries=$((tries + 1)); [ $tries -lt ${ATTEMPTS} ] || exit 1; sleep 0.1; done; }`
    );
  },
  readNumber: READ,
};
