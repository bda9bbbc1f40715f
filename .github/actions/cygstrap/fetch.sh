#!/usr/bin/env bash
# Fetches the files of the lock, and the index for setup. A repo from the cache has all: no mirror is asked then.
set -euo pipefail
# shellcheck source=common.sh
source "$GITHUB_ACTION_PATH/common.sh"
# The backslashes of a Windows path would be escapes in a pattern.
has_setup() { (cd "$REPO" && compgen -G 'setup-*.exe') >/dev/null 2>&1; }
installer=
if [ "$INSTALL" = true ] && ! has_setup; then
  installer=--installer
else
  # The option of this variable requires --installer.
  unset CYGSTRAP_INSTALLER_SITE
fi
cygstrap fetch --lock "$LOCK" --repo "$REPO" ${installer:+"$installer"} -- ${PACKAGES:+"$PACKAGES"}
