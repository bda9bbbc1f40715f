#!/opt/linux/bin/busybox sh
# install of coreutils, which busybox lacks: one file with a mode.
PATH=/opt/linux/bin
[ "$1" = -m ] && [ $# = 4 ] || { echo 'install: unknown arguments' >&2; exit 1; }
target=$4
[ ! -d "$target" ] || target=$target/${3##*/}
rm -f "$target" && cp "$3" "$target" && chmod "$2" "$target"
