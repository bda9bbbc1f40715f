#!/opt/linux/bin/busybox sh
# shutdown.exe: powers off, or restarts.
PATH=/opt/linux/bin
action='' seconds=30
while [ $# -gt 0 ]; do
  case $1 in
    [-/]s) action=poweroff ;;
    [-/]p) action=poweroff seconds=0 ;;
    [-/]r) action=reboot ;;
    [-/]f) ;;
    [-/]t) seconds=$2; shift ;;
    [-/]d | [-/]c) shift ;;
    *) printf 'Usage: shutdown [/s | /r] [/f] [/t xxx]\r\n' >&2; exit 1 ;;
  esac
  shift
done
[ -n "$action" ] || exit 1
(sleep "$seconds"; $action) </dev/null >/dev/null 2>&1 &
