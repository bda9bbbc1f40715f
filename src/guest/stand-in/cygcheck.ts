/** A program with the output of \`cygcheck -c -v\`, from what setup records below its root.
 *  Source: Cygwin, dump_setup.cc. */
export const CYGCHECK = `#!/bin/sh
root=\${0%/bin/cygcheck}
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
      [ -e "$root/$path" ] || [ -L "$root/$path" ] || [ -e "$root/$path.done" ] ||
        echo "Missing file: /$path from package $name"
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
