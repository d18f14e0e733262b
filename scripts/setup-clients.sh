#!/usr/bin/env bash
# Installs the published clients that the client tests drive, from npm and from PyPI, in the versions that tests/clients pins.
set -euo pipefail
cd "$(dirname "$0")/../tests/clients"

say() { echo "setup: $*" >&2; }

is_recent='const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 18) ? 0 : 1)'
if ! command -v npm >/dev/null || ! node --eval "$is_recent"; then
  say "the client tests need Node 20.18.1 or later, and npm: install them (https://nodejs.org)"
  exit 1
fi
say "installing the clients' npm packages into tests/clients/node_modules: the client tests drive them"
npm ci --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error

# A Python without venv and ensurepip cannot make the environment; Debian ships them apart.
is_capable='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'
python=python3
if ! "$python" -c "$is_capable" 2>/dev/null; then
  ../../scripts/install-debian.sh "a Python 3.10 or later that makes environments, for the tests of the Python client" python3 python3-venv
  python=/usr/bin/python3
fi
say "installing the clients' PyPI packages into tests/clients/python/.venv: the client tests drive them"
rm -rf python/.venv
"$python" -m venv python/.venv
python/.venv/bin/pip install --quiet --disable-pip-version-check --requirement python/requirements.txt
