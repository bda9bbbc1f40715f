#!/opt/linux/bin/busybox sh
# cygpath: converts the path of a drive.
PATH=/opt/linux/bin
path=$2
case $1 in
  -u) case $path in
    [A-Za-z]:*) printf '/cygdrive/%s%s\n' "$(printf %s "${path%%:*}" | tr A-Z a-z)" "$(printf %s "${path#*:}" | tr '\\' /)" ;;
    *) printf '%s\n' "$path" ;;
  esac ;;
  -w | -m) case $path in
    /cygdrive/?*) path=${path#/cygdrive/} path=$(printf %s "${path%%/*}" | tr a-z A-Z):/${path#*/} ;;
    *) path=C:/cygwin64$path ;;
  esac
    [ "$1" = -m ] || path=$(printf %s "$path" | tr / '\\')
    printf '%s\n' "$path" ;;
  *) echo "cygpath: $1" >&2; exit 1 ;;
esac
