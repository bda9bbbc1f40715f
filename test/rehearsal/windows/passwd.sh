#!/opt/linux/bin/busybox sh
# `passwd -R` of Cygwin: stores a password for logons by key. Reads it from the terminal if there is one.
PATH=/opt/linux/bin
[ "$1" = -R ] || { echo "passwd: unknown option $1" >&2; exit 1; }
[ "${2:-cygstrap}" = cygstrap ] || { echo "passwd: unknown user $2" >&2; exit 1; }
# shellcheck disable=SC2188
if (: </dev/tty) 2>/dev/null; then exec </dev/tty; fi
printf 'Enter your current password: '
IFS= read -r first
printf '\nRe-enter your current password: '
IFS= read -r second
echo
[ -n "$first" ] && [ "$first" = "$second" ] || { echo 'Password is not identical.' >&2; exit 2; }
# In this variant of the rehearsal Windows ignores it.
[ ! -e /cygdrive/c/Windows/state/no-lsa ] || exit 0
printf %s "$first" >/cygdrive/c/Windows/state/lsa
