#!/opt/linux/bin/busybox sh
# Prints users as mkpasswd of Cygwin; the numbers are those of this Linux.
exec /opt/linux/bin/cat /opt/linux/etc/passwd
