#!/opt/linux/bin/busybox sh
# A logon session. With the password that `passwd -R` stored, Windows logs on to servers by itself; without, it is
# anonymous there.
PATH=/opt/linux/bin LOGON=network
state=/cygdrive/c/Windows/state
[ -e /etc/fstab ] || : >/etc/fstab
# A share that is not connected cannot be reached, although its directory exists: a file system without a program.
while read -r share point type _; do
  [ "$type" = smbfs ] || continue
  server=${share#//} server=${server%%/*}
  mkdir -p "/$server" "$point"
  grep -q " /$server tmpfs " /proc/mounts || mount -t tmpfs none "/$server"
  exec 9<>/dev/fuse
  mount -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 none "$point"
  exec 9>&-
done </etc/fstab
if [ -e "$state/lsa" ] && cmp -s "$state/lsa" "$state/password"; then
  sed -n 's,^//\([^ /]*/[^ ]*\) .*,\1,p' /etc/fstab | while read -r share; do
    /opt/linux/sbin/connect "$share" cygstrap "$(cat "$state/lsa")" 2>/dev/null
  done
  LOGON=interactive
fi
PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/cygdrive/c/Windows/System32:/cygdrive/c/Windows
export PATH LOGON
unset SHELL
exec /opt/linux/bin/bash "$@"
