#!/opt/linux/bin/busybox sh
# sshd with the settings where Cygwin has them.
exec /opt/linux/bin/sshd -f /etc/sshd_config "$@"
