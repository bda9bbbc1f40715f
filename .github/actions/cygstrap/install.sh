#!/usr/bin/env bash
# Installs the lock with setup, and fails if the installation differs from it. Sets the outputs root and setup-exit.
set -euo pipefail
# shellcheck source=common.sh
source "$GITHUB_ACTION_PATH/common.sh"
[ "$RUNNER_OS" = Windows ] || fail "'install: true' needs a runner with Windows; this is one with $RUNNER_OS"
result=$RUNNER_TEMP/cygstrap-install.txt
status=0
cygstrap install --lock "$LOCK" --repo "$REPO" --root "$ROOT" | tee "$result" || status=$?
output root "$(absolute "$ROOT")"
output setup-exit "$(sed -n 's/.*; setup ended with exit code \([0-9]*\)$/\1/p' "$result")"
[ "$status" = 0 ] || fail "the installation in $ROOT differs from the lock, or setup failed: see the lines above"
[ "$ADD_TO_PATH" != true ] || absolute "$ROOT" bin >>"$GITHUB_PATH"
