#!/usr/bin/env bash
# Checks licences, forbidden crates, sources and known vulnerabilities of every dependency with cargo-deny.
set -euo pipefail
cd "$(dirname "$0")/.."

deny() { cargo deny --log-level error --locked --manifest-path "$1" --config deny.toml check "${@:2}"; }

workspaces=(Cargo.toml functions/Cargo.toml tests/guests/Cargo.toml)
for manifest in "${workspaces[@]}"; do
  echo "dependencies: $manifest" >&2
  deny "$manifest" bans licenses sources
done

if ! timeout 60 cargo deny --log-level off fetch db >/dev/null 2>&1; then
  echo "dependencies: the advisory database cannot be reached: known vulnerabilities are not checked" >&2
  exit 0
fi
for manifest in "${workspaces[@]}"; do
  deny "$manifest" --disable-fetch advisories
done
