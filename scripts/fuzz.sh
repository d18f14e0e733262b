#!/usr/bin/env bash
# Runs each fuzz target for a short while: SECONDS_EACH, 20 unless told.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { echo "fuzz: skipped: $*" >&2 && exit 0; }
[ -e tests/fuzz/Cargo.toml ] || skip "there are no fuzz targets"
command -v cargo-fuzz >/dev/null || skip "cargo-fuzz is missing: \`cargo install --locked cargo-fuzz\`"
cargo +nightly --version >/dev/null 2>&1 || skip "a nightly toolchain is missing: \`rustup toolchain install nightly\`"

for fuzzed in $(cargo +nightly fuzz list --fuzz-dir tests/fuzz); do
  echo "fuzz: $fuzzed" >&2
  cargo +nightly fuzz run --fuzz-dir tests/fuzz "$fuzzed" -- -max_total_time="${SECONDS_EACH:-20}" -rss_limit_mb=4096
done
