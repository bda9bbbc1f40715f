import { INIT_HEAD, LOAD_MODULES, NINE_P, SCRIPT_HEAD } from '../linux/image-parts.ts';
import { RECORDS } from './records.ts';

/** Absolute paths of programs in the installer. busybox has limited versions of them, which its shell would prefer. */
export interface InstallerTools {
  readonly mke2fs: string;
  readonly xz: string;
  readonly zstd: string;
}

/** Loads the modules below /lib/modules. OVMF starts a kernel of the host before it enables both channels of the IDE
 *  controller, and the driver skips a disabled channel. Source: piix_enable_bits in Linux, drivers/ata/ata_piix.c. */
const LOAD_DISK_MODULES = `if [ -d /sys/firmware/efi ]; then
  for register in 65 67; do
    printf '\\200' | dd of=/sys/bus/pci/devices/0000:00:01.1/config bs=1 seek=$register conv=notrunc 2>/dev/null
  done
fi
${LOAD_MODULES}`;

/** Name of the variable that an installation writes: a name and a GUID of its own. */
const FIRMWARE_VARIABLE = 'Cygstrap-0f6d1c52-7c2f-4b0e-9d0b-2f5a3c8e7a41';

/** Mounts the variables of UEFI firmware. */
const MOUNT_VARIABLES = `if [ -d /sys/firmware/efi ]; then
  for module in /lib/modules/uefi/*.ko; do
    [ ! -e "$module" ] || insmod "$module"
  done
  mount -t efivarfs efivarfs /sys/firmware/efi/efivars
fi
`;

/** Returns /init of the installer: installs from the floppy and the CD onto the first disk, reports on the console,
 *  and powers off. */
export const installerInit = ({ mke2fs, xz, zstd }: InstallerTools): string => `${INIT_HEAD}
message() { echo "@cygstrap $*" >/dev/console; }
# Reports the reason to the host. A machine that powers off without a report has failed too.
fail() {
  message "failed $*"
  sync
  poweroff -f
}
must() {
  "$@" >/tmp/log 2>&1 || fail "$1: $(tail -n 1 /tmp/log)"
}
waitfor() {
  tries=0
  until [ -e "$1" ]; do
    tries=$((tries + 1))
    [ $tries -le 400 ] || fail "no $2: $1 does not appear"
    usleep 25000
  done
}
set -o pipefail

message stage boot
mkdir -p /answers /target
${LOAD_DISK_MODULES}
message stage media
waitfor /dev/fd0 'answer floppy'
must mount -t vfat -o ro /dev/fd0 /answers
answer() { sed -n "s/^$1=//p" /answers/answers; }
nonce=$(answer nonce)
[ -n "$nonce" ] || fail 'missing nonce in the answers'
[ "$(sha512sum </answers/archives)" = "$(answer archives)  -" ] || fail 'the list of archives is damaged'
disk=$(answer disk)
waitfor "$disk" disk
first=$(sed -n '1s/^\\([^ ]* \\)\\{5\\}//p' /answers/archives)
repo=
for drive in 0 1 2 3; do
  [ -z "$repo" ] && [ -e /sys/block/sr$drive ] || continue
  waitfor /dev/sr$drive CD
  mkdir -p /media/$drive
  mount -t iso9660 -o ro /dev/sr$drive /media/$drive 2>/dev/null || continue
  [ -e "/media/$drive/$first" ] && repo=/media/$drive
done
[ -n "$repo" ] || fail "no CD has \${first:-anything}"

message stage partition
[ -z "$(dd if="$disk" bs=512 count=1 2>/dev/null | tr -d '\\0')" ] || fail "$disk is not blank"
# One partition from 1 MiB to the end of the disk: flags 0, CHS 0, type Linux, first sector, number of sectors.
# Then the signature of the partition table.
sectors=$(($(cat "/sys/block/\${disk#/dev/}/size") - 2048))
little() { printf '\\\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }
printf "\\0\\0\\0\\0\\203\\0\\0\\0$(little 2048)$(little $sectors)" |
  dd of="$disk" bs=1 seek=446 conv=notrunc 2>/dev/null
printf '\\125\\252' | dd of="$disk" bs=1 seek=510 conv=notrunc 2>/dev/null
must blockdev --rereadpt "$disk"
waitfor "\${disk}1" partition
message stage format
features=^has_journal,^metadata_csum,extent,dir_index,filetype,sparse_super,large_file,huge_file,uninit_bg
must ${mke2fs} -q -F -m 0 -t ext4 -O $features -E lazy_itable_init=1,nodiscard "\${disk}1"
must mount -t ext4 -o noinit_itable "\${disk}1" /target

message stage system
must cp -a /system/. /target
must chroot /target /bin/busybox --install -s /bin
mkdir -p /target/cygwin
${RECORDS}
count=$(wc -l </answers/archives)
number=0
while read -r algorithm digest size name version path; do
  number=$((number + 1))
  message stage packages $number/$count
  archive=$repo/$path
  [ "$(stat -c %s "$archive" 2>/dev/null)" = "$size" ] || fail "$path: size is not $size bytes"
  case $algorithm in
    sha512|md5) [ "$(\${algorithm}sum <"$archive")" = "$digest  -" ] || fail "$path: wrong $algorithm" ;;
    *) fail "$path: no digest" ;;
  esac
  case $path in
    *.tar.xz) unpack='${xz} -dc' ;;
    *.tar.zst) unpack='${zstd} -dcq' ;;
    *.tar.gz) unpack='gzip -dc' ;;
    *.tar.bz2) unpack='bzip2 -dc' ;;
    *) fail "$path: unknown compression" ;;
  esac
  $unpack <"$archive" 2>/tmp/log | tar -x -v -C /target/cygwin >/tmp/files 2>/tmp/log.tar ||
    # The archive of a package without files can be empty.
    { [ ! -s /tmp/log ] && [ "$($unpack <"$archive" | wc -c)" = 0 ]; } ||
    fail "$path: $(cat /tmp/log /tmp/log.tar | tail -n 1)"
  record
done </answers/archives
message stage postinstall
postinstall

message stage configure
cp /answers/archives /target/etc/cygstrap-archives
mkdir -p -m 700 /target/root/.ssh
must cp /answers/authkeys /target/root/.ssh/authorized_keys
chmod 600 /target/root/.ssh/authorized_keys
for end in '' .pub; do
  must cp /answers/hostkey$end /target/etc/ssh/ssh_host_ed25519_key$end
  chmod 600 /target/etc/ssh/ssh_host_ed25519_key$end
done
must cp /answers/fstab /target/etc/fstab
chmod 600 /target/etc/fstab
message "hostkey $(cut -d ' ' -f 1,2 /target/etc/ssh/ssh_host_ed25519_key.pub)"
# Windows adds its boot loader to the variables of UEFI firmware; this guest adds one variable.
${MOUNT_VARIABLES}
if [ -d /sys/firmware/efi ]; then
  printf '\\7\\0\\0\\0installed' >/sys/firmware/efi/efivars/${FIRMWARE_VARIABLE} || fail 'cannot write to the firmware'
fi

message stage verify
mkdir /target/tmp/verify
cp /answers/verify.sh /answers/locked /target/tmp/verify
must mount -o bind /dev /target/dev
must chroot /target /bin/bash /tmp/verify/verify.sh /tmp/verify /tmp/verify/console /cygwin
umount /target/dev
cat /target/tmp/verify/console >/dev/console
rm -r /target/tmp/verify
must umount /target
sync
message "installed $nonce"
poweroff -f
`;

/** /init of the initramfs of the installed system: mounts the disk and starts its init. */
export const BOOT_INIT = `${INIT_HEAD}
mkdir -p /root
${LOAD_DISK_MODULES}
tries=0
until mount -t ext4 -o noatime,noinit_itable /dev/sda1 /root 2>/tmp/log; do
  tries=$((tries + 1))
  [ $tries -le 400 ] || { echo "@cygstrap failed no disk: $(cat /tmp/log)"; poweroff -f; }
  usleep 25000
done
umount /proc
umount /sys
mount --move /dev /root/dev
exec switch_root /root /sbin/init
`;

/** Prefix of a kernel argument `cygstrap.share=TAG:ACCESS`: a 9p share to mount below /mnt. */
export const MOUNT_WORD = 'cygstrap.share=';

/** /etc/rc of the installed system: starts network and sshd, then mounts the shares. */
export const SYSTEM_RC = `${SCRIPT_HEAD}
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts -o mode=620 devpts /dev/pts
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777 tmp /tmp
mkdir -p -m 755 /run/sshd
# The network card needs two seconds to detect its link. The other modules are loaded in the meantime.
insmod /lib/modules/network/*.ko
ip link set lo up
ip addr add 192.168.0.1/24 dev eth0
ip link set eth0 up
${LOAD_MODULES}
${MOUNT_VARIABLES}
hostname stand-in
SSHD -f /etc/ssh/sshd_config
tries=0
until [ "$(cat /sys/class/net/eth0/carrier)" = 1 ]; do
  tries=$((tries + 1))
  [ $tries -le 400 ] || break
  usleep 25000
done
for word in $(cat /proc/cmdline); do
  share=\${word#${MOUNT_WORD}}
  [ "$share" != "$word" ] || continue
  place=/mnt/\${share%:*}
  case $share in
    *:rw) options=cache=none ;;
    *:overlay) options=ro,cache=loose ;;
    *) options=ro,cache=none ;;
  esac
  mkdir -p $place && mount -t 9p -o ${NINE_P.options},$options \${share%:*} $place || continue
  case $share in
    *:overlay) overlay $place ;;
  esac
done
echo '@cygstrap ready' >/dev/console
`;

/** Mounts a writable overlay over a read-only directory; writes go to RAM. */
export const OVERLAY = `${SCRIPT_HEAD}
layers=$(mktemp -d /run/overlay.XXXXXX) || exit 1
mkdir $layers/upper $layers/work
exec mount -t overlay -o lowerdir=$1,upperdir=$layers/upper,workdir=$layers/work overlay $1
`;

/** Login shell of the user. As in Windows, each ssh connection has shares of its own, which end with it, and a login
 *  takes a while. */
export const SESSION = `#!/bin/busybox sh
/bin/busybox usleep 40000
[ $# -gt 0 ] || set -- -l
exec /bin/busybox unshare -m /bin/bash "$@"
`;

/** Waits for the ACPI power button and powers off. */
export const POWER_BUTTON = `${SCRIPT_HEAD}
for input in /sys/class/input/event*; do
  if [ "$(cat $input/device/name)" = 'Power Button' ]; then
    mknod -m 600 /run/power-button c $(tr : ' ' <$input/dev) 2>/dev/null
    # One event: the button is pressed.
    dd if=/run/power-button of=/dev/null bs=24 count=1 2>/dev/null && exec /sbin/shutdown-now
  fi
done
sleep 5
`;

/** Ends all programs, syncs the disk and powers off; can be started over ssh. */
export const SHUTDOWN = `${SCRIPT_HEAD}
trap '' TERM HUP PIPE
# The ssh client receives its exit code before the connection is closed.
usleep 100000
kill -TERM -1
usleep 200000
kill -KILL -1
sync
mount -o remount,ro /
poweroff -f
`;

export const INITTAB = `::sysinit:/etc/rc
::respawn:/sbin/power-button
`;

export const SSHD_CONFIG = `Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
PrintMotd no
PrintLastLog no
PidFile /run/sshd.pid
MaxStartups 100
Subsystem sftp internal-sftp
`;
