#!/usr/bin/env bash
# Builds cygstrap in the checkout of the action, unless that is done. Install scripts of dependencies do not run.
set -euo pipefail
cd "$GITHUB_ACTION_PATH/../../.."
if ! node -e '
  const [major, minor] = process.versions.node.split(".").map(Number);
  process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);
'; then
  echo '::error::cygstrap needs Node.js 20.19 or later: use actions/setup-node before'
  exit 1
fi
if [ ! -e dist/program/main.js ]; then
  npm ci --ignore-scripts --no-audit --no-fund
  npm run build
fi
node bin/cygstrap.js --version
