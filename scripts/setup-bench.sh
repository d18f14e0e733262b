#!/usr/bin/env bash
# Installs what the benchmarks measure with and against: wrk, and from npm deepstream's server and workerd.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${USHER_TOOLS:?run \`make bench\`, which sets it}"

command -v wrk >/dev/null || scripts/install-debian.sh "the load generator of the benchmarks" wrk

peer=tests/benches/deepstream
if [ "$peer/package-lock.json" -nt "$peer/node_modules/.package-lock.json" ]; then
  echo "setup: installing deepstream's server with npm into $peer/node_modules: the benchmarks ask its permission handler" >&2
  npm ci --prefix "$peer" --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error
fi

version=1.20261117.1
folder=$USHER_TOOLS/workerd-$version
[ ! -x "$folder/node_modules/.bin/workerd" ] || exit 0
echo "setup: installing workerd $version with npm into $folder: the benchmarks compare against it" >&2
npm install --prefix "$folder" --no-audit --no-fund --loglevel=error "workerd@$version"
ln -sfn "$folder" "$USHER_TOOLS/workerd"
