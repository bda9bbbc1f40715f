#!/opt/linux/bin/busybox sh
# Prints groups as mkgroup of Cygwin, in the language of this Windows.
printf '%s\n' 'Administratoren:S-1-5-32-544:544:' 'Benutzer:S-1-5-32-545:545:'
