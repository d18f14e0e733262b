#!/usr/bin/env bash
# Installs cargo-deny, which checks licences, forbidden crates and sources, unless it is there.
set -euo pipefail
: "${USHER_TOOLS:?run \`make lint\`, which sets it}"

version=0.20.2
command -v cargo-deny >/dev/null && exit 0
echo "setup: building cargo-deny $version into $USHER_TOOLS (about 3 minutes): it checks licences, bans and sources" >&2
env -u CARGO_TARGET_DIR cargo install --quiet --locked --root "$USHER_TOOLS" "cargo-deny@$version"
