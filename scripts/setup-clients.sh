#!/usr/bin/env bash
# Installs the published chat clients that the client tests drive, from tests/clients/package-lock.json.
set -euo pipefail
cd "$(dirname "$0")/../tests/clients"

is_recent='const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 14) ? 0 : 1)'
if ! command -v npm >/dev/null || ! node --eval "$is_recent"; then
  echo "setup: the client tests need Node 20.14 or later, and npm: install them (https://nodejs.org)" >&2
  exit 1
fi
echo "setup: installing the clients' npm packages into tests/clients/node_modules: the client tests drive them" >&2
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
