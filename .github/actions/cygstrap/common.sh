# shellcheck shell=bash
# Sourced by the steps of the action.

# Runs cygstrap from the checkout of the action.
cygstrap() { node "$GITHUB_ACTION_PATH/../../../bin/cygstrap.js" "$@"; }

# fail MESSAGE: ends the step, with an annotation.
fail() {
  printf '::error::%s\n' "${1//[$'\r\n']/ }"
  exit 1
}

# output NAME VALUE: sets an output of the step.
output() {
  case $2 in *[$'\r\n']*) fail "$1 has a line feed" ;; esac
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

# absolute PATH...: prints the absolute path of the joined parts, in the form of the system.
absolute() { node -p 'require("node:path").resolve(...process.argv.slice(1))' -- "$@"; }

# Empty inputs leave the variables of the workflow as they are.
[ -z "${SITES:-}" ] || export CYGSTRAP_SITE=$SITES
[ -z "${ARCH:-}" ] || export CYGSTRAP_ARCH=$ARCH
cd -- "$DIRECTORY" || exit
