#!/usr/bin/env bash
# From a Windows ISO image to a program that Cygwin's gcc has compiled, with real Windows. Needs Linux with KVM, Node.js,
# a built checkout (`npm ci && npm run build`), and what `cygstrap doctor` lists. Whatever happens, the evidence is in
# one directory.
set -euo pipefail

usage() {
  cat <<'END'
Usage: test/acceptance/windows.sh --iso FILE|ADDRESS [options] [-- options of `cygstrap build`]
  --iso FILE|ADDRESS    image of Windows; an http(s) address is downloaded
  --iso-sha256 HEX      its SHA-256; required for an address
  --site SITE           mirror of Cygwin [default: that of cygstrap]
  --keyring FILE        trust the keys in this file too
  --installer-site SITE where `setup-x86_64.exe` is [default: https://cygwin.com/]
  --work DIR            repo, image and machines; about 40 GB [default: ./windows-acceptance]
  --evidence DIR        logs, times and evidence [default: DIR/evidence in --work]
  --runs N              resume the snapshot N times and measure it [default: 100]
END
}

cd "$(dirname "$0")/../.."
iso='' sha256='' work=windows-acceptance evidence='' runs=100
fetch_options=() keyring=()
while [ $# -gt 0 ]; do
  case $1 in
    --iso | --iso-sha256 | --site | --keyring | --installer-site | --work | --evidence | --runs)
      [ $# -ge 2 ] || { usage >&2; exit 2; }
      ;;
  esac
  case $1 in
    --iso) iso=$2; shift 2 ;;
    --iso-sha256) sha256=$2; shift 2 ;;
    --site | --installer-site) fetch_options+=("$1" "$2"); shift 2 ;;
    --keyring) keyring+=("$1" "$2"); shift 2 ;;
    --work) work=$2; shift 2 ;;
    --evidence) evidence=$2; shift 2 ;;
    --runs) runs=$2; shift 2 ;;
    --help) usage; exit 0 ;;
    --) shift; break ;;
    *) usage >&2; exit 2 ;;
  esac
done
[ -n "$iso" ] || { usage >&2; exit 2; }
case $iso in
  http://* | https://*) [ -n "$sha256" ] || { echo "an address needs --iso-sha256" >&2; exit 2; } ;;
esac

mkdir -p "$work"
work=$(cd "$work" && pwd)
evidence=${evidence:-$work/evidence}
mkdir -p "$evidence"
evidence=$(cd "$evidence" && pwd)
vm=(--vm-dir "$work/vm")
cygstrap() { node bin/cygstrap.js "$@"; }

# The evidence, also after a failure or Ctrl-C.
collect() {
  local code=$?
  trap - EXIT
  cygstrap vm ls --json "${vm[@]}" >"$evidence/stages.json" 2>&1 || true
  cygstrap vm evidence "${vm[@]}" --out "$evidence/evidence.tar.gz" >"$evidence/evidence.log" 2>&1 || true
  cp "$work/cygstrap.lock.json" "$evidence/" 2>/dev/null || true
  if [ $code = 0 ]; then echo "all steps passed; evidence: $evidence"; else echo "failed; send: $evidence" >&2; fi
  exit $code
}
trap collect EXIT

# step NAME COMMAND...: runs a command; its output is also in NAME.log.
step() {
  local name=$1 started=$SECONDS code=0
  shift
  echo "== $name"
  "$@" > >(tee "$evidence/$name.log") 2> >(tee "$evidence/$name.err" >&2) || code=$?
  echo "$name: exit code $code, $((SECONDS - started)) s" >>"$evidence/steps.txt"
  return $code
}

# Exits unless a command ends with an exit code.
expect() {
  local expected=$1 code=0
  shift
  "$@" || code=$?
  [ $code = "$expected" ] || { echo "exit code $code in place of $expected: $*" >&2; return 1; }
}

download() {
  curl --fail --location --silent --show-error --continue-at - --output "$work/win.iso" "$iso"
}

run() { cygstrap vm run "${vm[@]}" "$@"; }

hello() {
  rm -rf "$work/out"
  run --in test/acceptance/hello --out "$work/out" -- \
    sh -c 'gcc in/hello.c -o hello.exe && ./hello.exe >out/hello.txt'
  [ "$(tr -d '\r' <"$work/out/hello.txt")" = 'hello from Cygwin' ] || { echo 'wrong file' >&2; return 1; }
}

exit_codes() {
  expect 0 run -- true
  expect 7 run --in test/acceptance/hello -- sh -c 'gcc in/hello.c -o hello.exe && ./hello.exe one'
}

# Milliseconds of each run, from the call to the exit.
revive() {
  local count=0 before
  : >"$evidence/runs.txt"
  while [ $count -lt "$runs" ]; do
    before=$(date +%s%3N)
    run --quiet -- true || { echo "run $((count + 1)) failed" >&2; return 1; }
    echo $(($(date +%s%3N) - before)) >>"$evidence/runs.txt"
    count=$((count + 1))
  done
  sort -n "$evidence/runs.txt" | awk '
    { ms[NR] = $1 }
    END { printf "%d runs: fastest %d ms, median %d ms, slowest %d ms\n", NR, ms[1], ms[int((NR + 1) / 2)], ms[NR] }'
}

: >"$evidence/steps.txt"
{ cygstrap --version; node --version; uname -a; } >"$evidence/host.txt"
step doctor cygstrap doctor
case $iso in
  http://* | https://*) step download download; image=$work/win.iso ;;
  *) image=$iso ;;
esac
step inspect cygstrap media inspect "$image" --sha256
step fetch cygstrap fetch gcc-core make openssh cygrunsrv --repo "$work/repo" --lock "$work/cygstrap.lock.json" \
  --installer "${fetch_options[@]}" "${keyring[@]}"
# Also verifies the digest. The first build installs Windows and takes the snapshot.
step build cygstrap build --iso "$image" ${sha256:+--iso-sha256 "$sha256"} --repo "$work/repo" \
  --lock "$work/cygstrap.lock.json" "${keyring[@]}" "${vm[@]}" "$@" -- gcc --version
step hello hello
step exit-codes exit_codes
step revive revive
