#!/opt/linux/bin/busybox sh
# Makes /cygwin of a root directory of Cygwin: the directories as programs of Cygwin see them.
export PATH=/opt/linux/sbin:/opt/linux/bin
root=$1
[ ! -e /cygwin/proc/self ] || exit 0
[ -e /opt/linux/bin/sh ] || /opt/linux/bin/busybox --install -s /opt/linux/bin
see() {
  mkdir -p "/cygwin/$2" && mount -o "$3" "$1" "/cygwin/$2"
}
mkdir -p /cygwin "$root/etc" "$root/bin" "$root/lib" "$root/tmp"
mount -o bind "$root" /cygwin
see "$root/bin" usr/bin bind
see "$root/lib" usr/lib bind
# The programs and libraries of Linux.
while read -r directory; do
  see "$directory" "${directory#/}" bind
done </opt/linux/etc/directories
for name in passwd group nsswitch.conf; do
  touch "/cygwin/etc/$name"
  mount -o bind "/opt/linux/etc/$name" "/cygwin/etc/$name"
done
# Cygwin has no /run. sshd of Linux wants a directory there, to which nothing can be written.
see /opt/linux/run run bind
mount -o remount,ro,bind /cygwin/run
see /proc proc bind
see /dev dev rbind
see /c cygdrive/c bind
for medium in /media/*; do
  [ ! -d "$medium" ] || see "$medium" "cygdrive/$(echo "${medium##*/}" | tr A-Z a-z)" bind
done
mkdir -p /c/Windows/System32
for name in net shutdown; do
  ln -sf "/opt/linux/sbin/$name" "/c/Windows/System32/$name.exe"
  ln -sf "/opt/linux/sbin/$name" "/c/Windows/System32/$name"
done
ip link set lo up
