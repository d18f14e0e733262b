#!/usr/bin/env bash
# Checks what building needs, installs what is missing, and says in one line each what and why.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cargo >/dev/null; then
  echo "setup: no cargo found: install Rust (https://rustup.rs), version $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or later" >&2
  exit 1
fi

command -v cc >/dev/null || scripts/install-debian.sh "a C compiler and linker, for the TLS library and the allocator" gcc libc6-dev

component() {
  cargo "$1" --version >/dev/null 2>&1 && return
  echo "setup: adding $2 with rustup: \`make lint\` runs it" >&2
  rustup component add "$2" >/dev/null || echo "setup: $2 could not be added; \`make lint\` will fail" >&2
}
component fmt rustfmt
component clippy clippy
