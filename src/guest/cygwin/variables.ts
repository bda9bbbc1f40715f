const CYGWIN = 'HOME LOGNAME PATH PWD SHELL TEMP TMP TMPDIR USER';

/** Windows programs read these. */
const WINDOWS =
  'ALLUSERSPROFILE APPDATA COMPUTERNAME COMSPEC HOMEDRIVE HOMEPATH LOCALAPPDATA LOGONSERVER OS PATHEXT PROGRAMDATA ' +
  'PROGRAMFILES SYSTEMDRIVE SYSTEMROOT USERDOMAIN USERNAME USERPROFILE WINDIR';

/** An assignment to one of these ends a shell: they are read-only in bash. */
const READ_ONLY = 'BASHOPTS BASH_VERSINFO EUID PPID SHELLOPTS UID';

/** Variables of a guest with Cygwin that a run cannot set, in capital letters: Windows ignores the case of names. */
export const CYGWIN_VARIABLES: ReadonlySet<string> = new Set(`${CYGWIN} ${WINDOWS} ${READ_ONLY}`.split(' '));
