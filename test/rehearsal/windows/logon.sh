#!/opt/linux/bin/busybox sh
# The shell of the user for sshd: a logon session of its own for each connection, with its own connections to servers.
exec /opt/linux/bin/busybox unshare -m /opt/linux/sbin/session "$@"
