import { LOG_RULES } from './log-rules.ts';

/** Name of the script on the answer medium. */
export const VERIFY_SCRIPT = 'verify.sh';

/** Longest line of the console. */
const LONGEST_LINE = 300;

/** A broken disk can make thousands of findings, and the console is slow. */
const MOST_FINDINGS = 200;

/** Returns the files of the answer medium for the check, by name: the script, and the list of packages that it reads.
 *  Pure. */
export function verifyFiles(
  packages: readonly { readonly name: string; readonly version: string }[],
): ReadonlyMap<string, string> {
  return new Map([
    [VERIFY_SCRIPT, verifyScript()],
    ['locked', packages.map(({ name, version }) => `${name} ${version}\n`).join('')],
  ]);
}

/** Returns a script that compares an installation of Cygwin with the lock and writes the markers `finding` and
 *  `verdict`. Its arguments: the directory with the file `locked`; a file to which the markers are appended; the root
 *  of the installation, by default empty for `/`. It changes nothing else, and exits with 0 when the verdict is
 *  written, whatever it is. Runs in bash 3.2 and later, dash and busybox; it uses only programs of category Base.
 *  Source: cygwin-setup, package_db.cc, script.cc, LogFile.cc; Cygwin, dump_setup.cc. */
function verifyScript(): string {
  return `${HEAD}${PACKAGES}${LOG}${SCRIPTS}${FILES}${VERDICT}`;
}

const HEAD = String.raw`#!/bin/bash
# Usage: verify.sh DIRECTORY CONSOLE [ROOT]
export LC_ALL=C
medium=$1
console=$2
root=$3
work=$console.verify
rm -rf "$work"
mkdir -p "$work" || exit 1

# finding KIND SUBJECT TEXT
finding() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$work/findings"; }
: >"$work/findings"
: >"$work/names"
echo 0 >"$work/count"
for program in awk find gzip; do
  command -v $program >/dev/null || finding check $program 'the program is missing'
done
`;

/** Compares names and versions. Setup records every archive as .tar.bz2. The file has version 2 before setup 2.880. */
const PACKAGES = String.raw`
db=$root/etc/setup/installed.db
if [ ! -s "$medium/locked" ]; then
  finding check locked 'the list of locked packages is missing or empty'
elif [ ! -s "$db" ]; then
  finding check installed.db 'setup recorded no packages: the file is missing or empty'
else
  awk -v work="$work" '
    function finding(kind, subject, text) { print kind "\t" subject "\t" text }
    { sub(/\r$/, "") }
    NF == 0 { next }
    FILENAME == ARGV[1] {
      if (NF != 2) finding("check", "locked", "line " FNR " is damaged: " $0)
      names[++count] = $1
      locked[$1] = $2
      next
    }
    FNR == 1 {
      if ($0 !~ /^INSTALLED\.DB [23]$/) finding("check", "installed.db", "unknown format: " $0)
      next
    }
    {
      version = $2
      if (NF < 2 || index(version, $1 "-") != 1 || !sub(/\.tar\.bz2$/, "", version)) {
        finding("check", "installed.db", "line " FNR " is damaged: " $0)
        next
      }
      installed[$1] = substr(version, length($1) + 2)
      print $1 >(work "/names")
      if (!($1 in locked)) finding("extra", $1, "installed: " installed[$1] "; the lock does not have it")
    }
    END {
      for (i = 1; i <= count; i++) {
        name = names[i]
        if (!(name in installed)) finding("missing", name, "lock: " locked[name] "; not installed")
        else if (installed[name] != locked[name])
          finding("version", name, "lock: " locked[name] "; installed: " installed[name])
      }
      print count + 0 >(work "/count")
    }
  ' "$medium/locked" "$db" >>"$work/findings" || finding check installed.db 'cannot be read'
fi
`;

/** Reads the log. Its lines can begin with a time. What a script prints is between `running:` and the next line of
 *  setup. A replaced file ends with `.new` until the next restart; the message about it is no question. */
const LOG = `
cat >"$work/rules" <<'RULES'
${LOG_RULES.flatMap(({ id, pattern }) => (pattern === null ? [] : [`${id}\t${pattern}`])).join('\n')}
RULES
${String.raw`
log=$root/var/log/setup.log.full
: >"$work/scripts"
: >"$work/owners"
: >"$work/replaced"
if [ ! -s "$log" ]; then
  finding log no-log "$log is missing or empty"
else
  awk -v work="$work" '
    function finding(id) { print "log\t" id "\t" line }
    FILENAME == ARGV[1] {
      id[++count] = substr($0, 1, index($0, "\t") - 1)
      pattern[count] = substr($0, index($0, "\t") + 1)
      next
    }
    {
      line = $0
      sub(/\r$/, "", line)
      sub(/^[0-9][0-9][0-9][0-9]\/[0-9][0-9]\/[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9] /, "", line)
      if (line ~ /^[ \t]*$/) next
      last = line
      path = line
      gsub(/\\/, "/", path)
    }
    line ~ /^(Installing file|Extracting from) / { inScript = 0; next }
    line ~ /^root: / {
      prefix = substr(path, 7)
      sub(/ [a-z]+$/, "", prefix)
      next
    }
    line ~ /^running: / || line ~ /^can.t run .*: No such file/ {
      script = "unknown"
      if (match(path, /\/etc\/(postinstall|preremove)\/[^" ]*/)) script = substr(path, RSTART, RLENGTH)
      sub(/:$/, "", script)
      sub(/.*\//, "", script)
      if (line ~ /^running: /) inScript = 1
      else print script "\tsetup did not find the script" >(work "/scripts")
      next
    }
    line ~ /^abnormal exit: exit code=/ {
      print script "\texit code " substr(line, 26) >(work "/scripts")
      next
    }
    line ~ /^Package: / {
      package = substr(line, 10)
      sub(/^[0_z]\//, "", package)
      next
    }
    line ~ /^\t[^ ]+ exit code -?[0-9]+$/ {
      split(substr(line, 2), word, " ")
      if (package !~ /^(Perpetual|Unknown package)$/) print word[1] "\t" package >(work "/owners")
      print word[1] "\texit code " word[4] >(work "/scripts")
      next
    }
    line ~ /^Scheduled reboot replacement of file / {
      sub(/.* with /, "", path)
      if (prefix != "" && index(tolower(path), tolower(prefix) "/") == 1) path = substr(path, length(prefix) + 1)
      print path >(work "/replaced")
      isReplacing = 1
      next
    }
    line ~ /^note: (In-use files have been replaced|Installation [Cc]omplete)/ { next }
    line ~ /^mbox note: / && isReplacing { isReplacing = 0; isAnswered = 1; next }
    line ~ /^unattended_mode is set at mbox/ && isAnswered { isAnswered = 0; next }
    line ~ /^(mbox [^:]*: |note: |download.* error in unattended_mode|unattended_mode |User cancelled setup)/ {
      inScript = 0
    }
    inScript { next }
    {
      if (line ~ /^mbox /) isAnswered = 1
      for (i = 1; i <= count; i++) if (line ~ pattern[i]) {
        finding(id[i])
        next
      }
    }
    END { if (last !~ /^Ending cygwin install/) { line = "last line: " last; finding("no-end") } }
  ' "$work/rules" "$log" >>"$work/findings" || finding check setup.log.full 'cannot be read'
  while read -r path; do
    case $path in
      /*) [ ! -e "$root$path" ] || finding log not-replaced "$path" ;;
      *) [ ! -e "$path" ] || finding log not-replaced "$path" ;;
    esac
  done <"$work/replaced"
fi
`}`;

/** Names the packages of failed scripts, and of those that setup did not run: it renames a script to `.done`, unless
 *  its name starts with a stratum and `p_`, for scripts that always run. */
const SCRIPTS = String.raw`
for path in "$root"/etc/postinstall/*; do
  name=$(basename "$path")
  case $name in
    [0z]p_*) ;;
    *.sh | *.dash | *.bat | *.cmd)
      printf '%s\t%s\n' "$name" 'setup did not run the script, or it failed' >>"$work/scripts" ;;
  esac
done
if [ -s "$work/scripts" ]; then
  for list in "$root"/etc/setup/*.lst.gz; do
    gzip -dc "$list" 2>/dev/null | awk -v package="$(basename "$list" .lst.gz)" '
      { sub(/\r$/, ""); sub(/^\.?\//, "") }
      /^etc\/(postinstall|preremove)\/./ { sub(/.*\//, ""); print $0 "\t" package }
    '
  done >>"$work/owners"
  awk '
    BEGIN { FS = "\t" }
    FILENAME == ARGV[1] { owner[$1] = $2; next }
    !($1 in seen) { seen[$1] = 1; print "postinstall\t" ($1 in owner ? owner[$1] : $1) "\t" $1 ": " $2 }
  ' "$work/owners" "$work/scripts" >>"$work/findings"
fi
`;

/** Programs and libraries without content; files that cygcheck misses. /bin and /usr/bin are one directory in Cygwin,
 *  as are /lib and /usr/lib. */
const FILES = String.raw`
for directory in bin lib sbin usr/bin usr/lib usr/libexec usr/sbin; do
  [ -d "$root/$directory" ] || continue
  find "$root/$directory" -type f \( -name '*.exe' -o -name '*.dll' -o -name '*.so' \) -size 0 2>>"$work/errors"
done | awk -v root="$root" '
  {
    path = substr($0, length(root) + 1)
    sub(/^\/usr\/(bin|lib)\//, "/" (path ~ /^\/usr\/bin\// ? "bin" : "lib") "/", path)
    if (!(path in seen)) print "empty\t" path "\tthe file has no content"
    seen[path] = 1
  }
' >>"$work/findings"
[ ! -s "$work/errors" ] || finding check find "$(head -n 1 "$work/errors")"

"$root/bin/cygcheck" -c -v </dev/null >"$work/cygcheck" 2>&1
awk '
  { sub(/\r$/, "") }
  FILENAME == ARGV[1] { names[++count] = $1; next }
  { if (first == "") first = $0 }
  / from package [^ ]+$/ {
    package = $NF
    text = $0
    sub(/ from package [^ ]+$/, "", text)
    if (!problems[package]++) problem[package] = text
    next
  }
  $NF == "OK" || $NF == "Incomplete" { status[$1] = $NF }
  END {
    for (i = 1; i <= count; i++) {
      name = names[i]
      if (!(name in status)) {
        if (!lost++) lostName = name
      } else if (status[name] != "OK") {
        more = problems[name] > 1 ? "; and " (problems[name] - 1) " more" : ""
        print "incomplete\t" name "\t" (name in problem ? problem[name] : "cygcheck reports it as incomplete") more
      }
    }
    if (!lost) exit
    text = "no status of " lost " of " count " packages, of " lostName " first"
    print "check\tcygcheck\t" text "; it printed: " first
  }
' "$work/names" "$work/cygcheck" >>"$work/findings"
`;

const VERDICT = String.raw`
read -r packages <"$work/count"
awk -v packages="$packages" '
  function printFinding(kind, subject, text) {
    gsub(/[^!-~]/, "?", subject)
    gsub(/[^ -~]/, "?", text)
    print substr("@cygstrap finding " kind " " subject " " text, 1, LONGEST_LINE)
    count++
  }
  BEGIN { FS = "\t" }
  NR <= MOST_FINDINGS { printFinding($1, $2, $3) }
  END {
    if (NR > MOST_FINDINGS) printFinding("check", "findings", NR - MOST_FINDINGS " more are not listed")
    print "@cygstrap verdict " count + 0 " " packages
  }
' "$work/findings" >>"$console" || exit 1
rm -rf "$work"
`
  .replaceAll('LONGEST_LINE', String(LONGEST_LINE))
  .replaceAll('MOST_FINDINGS', String(MOST_FINDINGS));
