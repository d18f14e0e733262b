#!/usr/bin/env bash
# Compiles and runs the architecture test by itself, in seconds; `cargo test -p usher-tests --test architecture` is the same.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p target
CARGO_MANIFEST_DIR="$PWD/tests" rustc --edition 2024 --test tests/architecture/main.rs -o target/architecture
RUST_BACKTRACE=0 target/architecture --quiet
