#!/opt/linux/bin/busybox sh
# net.exe: connects shares for this logon session.
PATH=/opt/linux/bin
state=/cygdrive/c/Windows/state
refuse() {
  printf 'System error %s has occurred.\r\n' "$1" >&2
  exit 2
}
usage() {
  printf 'The syntax of this command is:\r\n' >&2
  exit 1
}
lower() { printf %s "$1" | tr 'A-Z\\' 'a-z/'; }
case $(lower "$1") in
  use) ;;
  accounts | config | user | localgroup) exit 0 ;;
  start | stop)
    [ -e "$state/services/$2" ] || refuse 1060
    exit 0
    ;;
  *) usage ;;
esac
shift
share='' password='' user=cygstrap isDeleted=false
for word in "$@"; do
  case $(lower "$word") in
    //*) share=$(lower "$word") ;;
    /user:*) user=${word#*:} ;;
    /persistent:no | /yes | /y) ;;
    /delete | /d) isDeleted=true ;;
    /*) usage ;;
    *) password=$word ;;
  esac
done
[ -n "$share" ] || { cat /proc/mounts | sed -n 's/^\([^ ]*\) [^ ]* cifs .*/OK \1/p'; exit 0; }
share=${share#//}
if $isDeleted; then
  umount "/$share" || refuse 2250
  umount "$(sed -n "s,^//$share \([^ ]*\) .*,\1,p" /etc/fstab)"
  exit 0
fi
# Without a password Windows tries the one of the user, if it knows it.
[ -n "$password" ] || password=$(cat "$state/lsa" 2>/dev/null)
/opt/linux/sbin/connect "$share" "${user##*\\}" "$password" 2>/dev/null || refuse 1326
printf 'The command completed successfully.\r\n'
