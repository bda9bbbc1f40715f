#!/usr/bin/env bash
# Builds cygstrap in the checkout of the action, unless that is done. Install scripts of dependencies do not run.
set -euo pipefail
cd "$GITHUB_ACTION_PATH/../../.."
if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)'; then
  echo '::error::cygstrap needs Node.js 20.19 or later: use actions/setup-node before'
  exit 1
fi
if [ ! -e dist/program/main.js ]; then
  npm ci --ignore-scripts --no-audit --no-fund
  npm run build
fi
node bin/cygstrap.js --version
