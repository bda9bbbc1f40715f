#!/opt/linux/bin/busybox sh
# `cygcheck -c` and `-cd` of Cygwin: the installed packages, with -c after a look for their files.
PATH=/opt/linux/bin
case $1 in
  -c | --check-setup) isChecked=true ;;
  -cd | -dc) isChecked=false ;;
  *) echo "cygcheck: unknown option $1" >&2; exit 1 ;;
esac
shift
while [ $# -gt 0 ]; do
  case $1 in
    -d | --dump-only) isChecked=false ;;
    -v | --verbose) ;;
    *) break ;;
  esac
  shift
done
db=/etc/setup/installed.db
echo 'Cygwin Package Information'
[ -e $db ] || { echo 'No setup information found'; exit 0; }
status=Status
$isChecked || status=
printf '%-20s %-18s %s\n' Package Version $status | sed 's/ *$//'
sed 1d $db | while read -r name archive _; do
  if [ $# -gt 0 ]; then
    case " $* " in *" $name "*) ;; *) continue ;; esac
  fi
  version=${archive#"$name"-}
  status=
  if $isChecked; then
    status=OK
    for file in $(gzip -dc "/etc/setup/$name.lst.gz" 2>/dev/null); do
      # A script that has succeeded has another name.
      [ -e "/$file" ] || [ -e "/$file.done" ] && continue
      status=Incomplete
      echo "Missing file: /$file from package $name"
    done
  fi
  printf '%-20s %-18s %s\n' "$name" "${version%.tar.bz2}" $status | sed 's/ *$//'
done
