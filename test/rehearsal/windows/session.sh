#!/opt/linux/bin/busybox sh
# A logon session. With the password that `passwd -R` stored, Windows logs on to servers by itself; without, it is
# anonymous there.
PATH=/opt/linux/bin LOGON=network
state=/cygdrive/c/Windows/state
if [ -e "$state/lsa" ] && cmp -s "$state/lsa" "$state/password"; then
  # shellcheck disable=SC2013
  for share in $(sed -n 's,^//\([^ /]*/[^ /]*\) .*,\1,p' /etc/fstab 2>/dev/null); do
    /opt/linux/sbin/connect "$share" cygstrap "$(cat "$state/lsa")" 2>/dev/null
  done
  LOGON=interactive
fi
PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/cygdrive/c/Windows/System32:/cygdrive/c/Windows
export PATH LOGON
unset SHELL
exec /opt/linux/bin/bash "$@"
