#!/opt/linux/bin/busybox sh
# Writes drive C from memory to the disk: as one archive, and the logs as files.
export PATH=/opt/linux/sbin:/opt/linux/bin
partition=/dev/sda$(windows-partition)
mkdir -p /target
ntfs-3g "$partition" /target || exit 1
mkdir -p /target/Windows/System32
tar -c -C /c . >/target/Windows/System32/c.tar
cd /c && for path in cygstrap cygwin*/etc/setup cygwin*/var/log cygwin*/etc/sshd_config; do
  [ -e "$path" ] || continue
  mkdir -p "/target/${path%/*}"
  cp -r "$path" "/target/${path%/*}/"
done
cd / && umount /target
