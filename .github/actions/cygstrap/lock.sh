#!/usr/bin/env bash
# Makes the lock if there is none. Sets the outputs lock, repo and key, the key of the cache.
set -euo pipefail
# shellcheck source=common.sh
source "$GITHUB_ACTION_PATH/common.sh"
if [ ! -e "$LOCK" ]; then
  [ "$FROZEN" != true ] || fail "the lock $LOCK does not exist: make it with 'cygstrap lock', and commit it"
  cygstrap lock --lock "$LOCK" -- ${PACKAGES:+"$PACKAGES"}
fi
# A checkout of the same lock can have CR LF.
digest=$(tr -d '\r' <"$LOCK" | node -e '
  const hash = require("node:crypto").createHash("sha256");
  process.stdin.on("data", (chunk) => hash.update(chunk)).on("end", () => console.log(hash.digest("hex")));
')
output lock "$(absolute "$LOCK")"
output repo "$(absolute "${REPO:-$RUNNER_TEMP/cygstrap-repo}")"
# A repo for an installation also has the setup program.
setup=
[ "$INSTALL" != true ] || setup=-setup
output key "cygstrap-1-$digest$setup"
