import { INIT_HEAD, LOAD_MODULES, NINE_P, SCRIPT_HEAD } from '../linux/image-parts.ts';

/** Absolute paths in the installer of programs that busybox has too, but not good enough; its shell would prefer its own. */
export interface InstallerTools {
  readonly mke2fs: string;
  readonly xz: string;
  readonly zstd: string;
}

/** /init of the installer: installs from the floppy's answers and the CD onto the first disk, reports on the console, powers off. */
export const installerInit = ({ mke2fs, xz, zstd }: InstallerTools): string => `${INIT_HEAD}
say() { echo "@cygstrap $*" >/dev/console; }
# The host hears why; without these words a machine that is off has failed as well.
fail() {
  say "failed $*"
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

say stage boot
mkdir -p /answers /target
${LOAD_MODULES}
say stage media
waitfor /dev/fd0 'answer floppy'
must mount -t vfat -o ro /dev/fd0 /answers
answer() { sed -n "s/^$1=//p" /answers/answers; }
nonce=$(answer nonce)
[ -n "$nonce" ] || fail 'the answers have no nonce'
[ "$(sha512sum </answers/archives)" = "$(answer archives)  -" ] || fail 'the list of archives is damaged'
disk=$(answer disk)
waitfor "$disk" disk
first=$(sed -n '1s/^[^ ]* [^ ]* [^ ]* //p' /answers/archives)
repo=
for drive in 0 1 2 3; do
  [ -z "$repo" ] && [ -e /sys/block/sr$drive ] || continue
  waitfor /dev/sr$drive CD
  mkdir -p /media/$drive
  mount -t iso9660 -o ro /dev/sr$drive /media/$drive 2>/dev/null || continue
  [ -e "/media/$drive/$first" ] && repo=/media/$drive
done
[ -n "$repo" ] || fail "no CD has \${first:-anything}"

say stage partition
[ -z "$(dd if="$disk" bs=512 count=1 2>/dev/null | tr -d '\\0')" ] || fail "$disk is not blank"
# One partition from 1 MiB to the end: no flags, no old geometry, Linux, first sector, number of sectors; and the signature.
sectors=$(($(cat "/sys/block/\${disk#/dev/}/size") - 2048))
little() { printf '\\\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }
printf "\\0\\0\\0\\0\\203\\0\\0\\0$(little 2048)$(little $sectors)" | dd of="$disk" bs=1 seek=446 conv=notrunc 2>/dev/null
printf '\\125\\252' | dd of="$disk" bs=1 seek=510 conv=notrunc 2>/dev/null
must blockdev --rereadpt "$disk"
waitfor "\${disk}1" partition
say stage format
must ${mke2fs} -q -F -m 0 -t ext4 -O ^has_journal,^metadata_csum,extent,dir_index,filetype,sparse_super,large_file,huge_file,uninit_bg -E lazy_itable_init=1,nodiscard "\${disk}1"
must mount -t ext4 -o noinit_itable "\${disk}1" /target

say stage system
must cp -a /system/. /target
must chroot /target /bin/busybox --install -s /bin
mkdir -p /target/cygwin

count=$(wc -l </answers/archives)
number=0
while read -r algorithm digest size path; do
  number=$((number + 1))
  say stage packages $number/$count
  archive=$repo/$path
  [ "$(stat -c %s "$archive" 2>/dev/null)" = "$size" ] || fail "$path has not $size bytes"
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
  $unpack <"$archive" 2>/tmp/log | tar -x -C /target/cygwin 2>/tmp/log.tar && continue
  # Packages that only stand for others have an archive of nothing at all.
  [ ! -s /tmp/log ] && [ "$($unpack <"$archive" | wc -c)" = 0 ] || fail "$path: $(cat /tmp/log /tmp/log.tar | tail -n 1)"
done </answers/archives

say stage configure
cp /answers/archives /target/etc/cygstrap-archives
mkdir -p -m 700 /target/root/.ssh
must cp /answers/authkeys /target/root/.ssh/authorized_keys
chmod 600 /target/root/.ssh/authorized_keys
must mount -o bind /dev /target/dev
must chroot /target ssh-keygen -q -t ed25519 -N '' -C stand-in -f /etc/ssh/ssh_host_ed25519_key
say "hostkey $(cut -d ' ' -f 1,2 /target/etc/ssh/ssh_host_ed25519_key.pub)"
umount /target/dev
must umount /target
sync
say "installed $nonce"
poweroff -f
`;

/** /init of the installed system's first file system: finds the disk and hands over to it. */
export const BOOT_INIT = `${INIT_HEAD}
mkdir -p /root
${LOAD_MODULES}
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

/** How the kernel's command line has a share to mount below /mnt: the tag follows, `:`, and how it may be used. */
export const MOUNT_WORD = 'cygstrap.share=';

/** /etc/rc of the installed system: network and sshd first, what else a run needs after that. */
export const SYSTEM_RC = `${SCRIPT_HEAD}
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts -o mode=620 devpts /dev/pts
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777 tmp /tmp
mkdir -p -m 755 /run/sshd /run/cygstrap
# The card needs two seconds to see its link: time to load the rest.
insmod /lib/modules/network/*.ko
ip link set lo up
ip addr add 192.168.0.1/24 dev eth0
ip link set eth0 up
${LOAD_MODULES}
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

/** Makes a directory that may only be read look as if it could be written; what is written is in RAM. */
export const OVERLAY = `${SCRIPT_HEAD}
layers=$(mktemp -d /run/overlay.XXXXXX) || exit 1
mkdir $layers/upper $layers/work
exec mount -t overlay -o lowerdir=$1,upperdir=$layers/upper,workdir=$layers/work overlay $1
`;

/** Waits for the ACPI power button and powers off. */
export const POWER_BUTTON = `${SCRIPT_HEAD}
for input in /sys/class/input/event*; do
  if [ "$(cat $input/device/name)" = 'Power Button' ]; then
    mknod -m 600 /run/power-button c $(tr : ' ' <$input/dev) 2>/dev/null
    # One event: the press.
    dd if=/run/power-button of=/dev/null bs=24 count=1 2>/dev/null && exec /sbin/shutdown-now
  fi
done
sleep 5
`;

/** Ends all programs, writes everything to the disk and powers off, also when started over ssh. */
export const SHUTDOWN = `${SCRIPT_HEAD}
trap '' TERM HUP PIPE
# What started this gets its answer before its connection is closed.
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
