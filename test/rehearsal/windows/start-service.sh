#!/opt/linux/bin/busybox sh
# Starts a service of Windows that cygrunsrv has installed. Refuses what sshd of Cygwin refuses.
export PATH=/opt/linux/sbin:/opt/linux/bin
name=$1
state=/c/Windows/state
program=$(sed -n 's/^program=//p' "$state/services/$name")
arguments=$(sed -n 's/^arguments=//p' "$state/services/$name")
log=/cygwin/var/log/$name.log
mkdir -p /cygwin/var/log
fail() {
  echo "$*" >>"$log"
  echo "service $name: $*" >/dev/tty1
  exit 1
}
[ "$program" = /usr/sbin/sshd ] || fail "no program $program"
[ -x /cygwin/usr/sbin/sshd ] || fail "$program is missing"
case " $arguments " in
  *' -D '*) ;;
  *) fail 'sshd becomes a daemon, and its service ends: no -D' ;;
esac
key=/cygwin/etc/ssh_host_ed25519_key
[ "$(stat -c '%u %a' "$key")" = '18 600' ] || fail "Permissions for '$key' are too open, or SYSTEM does not own it"
empty=/cygwin/var/empty
case $(stat -c '%u %a' "$empty") in
  '18 700' | '18 711' | '18 755') ;;
  *) fail '/var/empty must be owned by SYSTEM and not group or world-writable.' ;;
esac
# shellcheck disable=SC2086
setsid chroot /cygwin /usr/sbin/sshd $arguments </dev/null >>"$log" 2>&1 &
