#!/usr/bin/env bash
# Runs every check that runs no test of behaviour: form, lints, docs, architecture, dependencies, shell scripts.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${USHER_GUESTS_TARGET:?run \`make lint\`, which sets it}"

say() { echo "lint: $*" >&2; }
in_guests() { (cd "$1" && shift && CARGO_TARGET_DIR="$USHER_GUESTS_TARGET" "$@"); }

say "form"
for workspace in . functions tests/guests tests/fuzz; do
  [ ! -e "$workspace/Cargo.toml" ] || (cd "$workspace" && cargo fmt --all --check)
done

scripts/architecture.sh

if command -v shellcheck >/dev/null; then
  say "shell scripts"
  shellcheck scripts/*.sh .ci/run
fi

say "lints of the guests"
in_guests functions cargo clippy --locked --workspace --all-targets -- -D warnings
if [ -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" ]; then
  in_guests functions cargo clippy --locked --workspace --target wasm32-unknown-unknown -- -D warnings
  in_guests tests/guests cargo clippy --locked --all-targets --target wasm32-unknown-unknown -- -D warnings
else
  say "rustc has no wasm32-unknown-unknown here: what only that target compiles is not linted"
fi

say "lints of the host"
cargo clippy --locked --workspace --all-targets -- -D warnings

say "documentation"
# Private items too: these pages are for the people who change the code, so links to private modules are meant.
export RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links"
cargo doc --locked --quiet --workspace --no-deps --document-private-items
in_guests functions cargo doc --locked --quiet --workspace --no-deps --document-private-items

scripts/dependencies.sh
say "all checks passed"
