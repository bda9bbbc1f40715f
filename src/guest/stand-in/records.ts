/** A program with the output of `cygcheck -c -v`, from what setup records below its root.
 *  Source: Cygwin, dump_setup.cc. */
export const CYGCHECK = `#!/bin/sh
root=\${0%/bin/cygcheck}
# /usr/bin and /usr/lib are /bin and /lib in Cygwin. A script that has run has another name.
exists() {
  for place in "$root/$1" "$root/\${1#usr/}" "$root/$1.done"; do
    [ ! -e "$place" ] && [ ! -L "$place" ] || return 0
  done
  return 1
}
echo 'Cygwin Package Information'
if [ ! -s "$root/etc/setup/installed.db" ]; then
  echo 'No setup information found'
  exit
fi
printf '%-20s %-10s     Status\\n' Package Version
sed 1d "$root/etc/setup/installed.db" | while read -r name file _; do
  list=$root/etc/setup/$name.lst.gz
  missing=
  if [ -e "$list" ]; then
    missing=$(gzip -dc "$list" | while read -r path; do
      exists "$path" || echo "Missing file: /$path from package $name"
    done)
  else
    echo "Empty package $name"
  fi
  status=OK
  if [ -n "$missing" ]; then
    echo "$missing"
    status=Incomplete
  fi
  version=\${file#"$name-"}
  printf '%-20s %-10s     %s\\n' "$name" "\${version%.tar.bz2}" $status
done
`;

/** Functions of the installer that leave what setup leaves: the record of installed packages, the lists of their files,
 *  and the log. The programs of the packages do not run here, so of their postinstall scripts only the syntax is
 *  checked.
 *  Source: cygwin-setup, package_db.cc, install.cc, script.cc. */
export const RECORDS = `
root=/target/cygwin
log=$root/var/log/setup.log.full
mkdir -p $root/etc/setup $root/var/log
log() { printf '%s\\n' "$*" >>$log; }
log 'Starting cygwin install, version stand-in'
log 'root: C:\\cygwin64 system'
echo 'INSTALLED.DB 3' >$root/etc/setup/installed.db
# Records a package whose files are in /tmp/files.
record() {
  log "Extracting from file://$path"
  sed 's,^,Installing file cygfile:///,' /tmp/files >>$log
  [ ! -s /tmp/files ] || gzip -c /tmp/files >"$root/etc/setup/$name.lst.gz"
  echo "$name $name-$version.tar.bz2 1" >>$root/etc/setup/installed.db
}
postinstall() {
  for script in $root/etc/postinstall/*; do
    name=\${script##*/}
    case $name in
      *.sh) shell=bash ;;
      *.dash) shell=sh ;;
      *) continue ;;
    esac
    log "running: C:\\cygwin64\\bin\\$shell.exe \\"/etc/postinstall/$name\\""
    chroot /target /bin/$shell -n "/cygwin/etc/postinstall/$name" >>$log 2>&1
    code=$?
    case $code$name in
      0[0z]p_*) ;;
      0*) mv "$script" "$script.done" ;;
      *) log "abnormal exit: exit code=$code" ;;
    esac
  done
  log 'Ending cygwin install'
}
`;
