#!/opt/linux/bin/busybox sh
# Connects a share SERVER/NAME in this logon session, and mounts it where /etc/fstab says.
# Usage: connect SERVER/NAME USER PASSWORD
PATH=/opt/linux/bin
state=/cygdrive/c/Windows/state
grep -q " /$1 cifs " /proc/mounts && exit 0
mkdir -p "/$1" || exit 1
# All versions sign; `sec=ntlmsspi` refuses a server that does not. Without `nosharesock` sessions share a connection.
mount -t cifs "//$1" "/$1" -o \
  "ip=${1%/*},username=$2,password=$3,sec=ntlmsspi,vers=$(cat "$state/smb"),iocharset=utf8,noperm,nosharesock" || exit 1
while read -r what where type options _; do
  [ "$what" = "//$1" ] || continue
  case $type,$options in
    smbfs,*noacl* | ntfs,*noacl*) mount -o bind "/$1" "$where" ;;
    *) echo "fstab: $what: $type,$options" >&2 ;;
  esac
done </etc/fstab
