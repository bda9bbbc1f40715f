#!/opt/linux/bin/busybox sh
# Starts Windows from the disk: drive C, the network if it was set up, and the services.
/opt/linux/bin/busybox --install -s /opt/linux/bin
export PATH=/opt/linux/sbin:/opt/linux/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts
mount -t devpts -o mode=620 devpts /dev/pts
for module in /opt/linux/modules/*.ko; do
  insmod "$module" 2>/dev/null
done
load-c
clear >/dev/tty1
echo Desktop >/dev/tty1
state=/c/Windows/state
ip link set lo up
# Without an address the card is not used. Without the rule of the firewall nothing from outside gets an answer.
read -r address card <"$state/address" 2>/dev/null
[ -e "$state/firewall-22" ] || card=none
for link in /sys/class/net/eth*; do
  [ "$(cat "$link/address")" = "$card" ] || continue
  ip addr add "$address" dev "${link##*/}"
  ip link set "${link##*/}" up
done
for root in /c/cygwin64 /c/cygwin; do
  [ ! -d "$root" ] || enter-cygwin "$root"
done
for service in "$state"/services/*; do
  [ ! -e "$service" ] || start-service "${service##*/}"
done
