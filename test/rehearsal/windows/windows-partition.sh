#!/opt/linux/bin/busybox sh
# Prints the number of the partition of Windows, which Setup has recorded.
export PATH=/opt/linux/sbin:/opt/linux/bin
dd if=/dev/sda bs=1024 skip=512 count=256 2>/dev/null | tr -d '\0' | sed -n 's/.*"windowsPartition":\([0-9]*\).*/\1/p'
