#!/usr/bin/env bash
# Runs every test, host, guests and real clients, and ends with their number.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
: "${USHER_GUESTS_TARGET:?run \`make test\`, which sets it}" "${USHER_BIN:?run \`make test\`, which sets it}"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
broken=()

# Goes on after a failure, so that one run shows all of them.
step() {
  local name=$1
  shift
  echo "test: $name" >&2
  "$@" 2>&1 | tee -a "$log"
  [ "${PIPESTATUS[0]}" = 0 ] || broken+=("$name")
}

rust_tests() {
  if command -v cargo-nextest >/dev/null; then
    cargo nextest run --locked --no-fail-fast --no-tests pass "$@"
  else
    cargo test --locked --no-fail-fast --tests "$@"
  fi
}
guest_tests() { (cd functions && export CARGO_TARGET_DIR="$USHER_GUESTS_TARGET" && "$@"); }
client_tests() { npm --prefix tests/clients --silent test; }

# Closing lines of nextest, cargo test and node's runner, added up.
count() {
  awk -v broken=${#broken[@]} '
    { gsub(/\033\[[0-9;]*m/, "") }
    $1 == "Summary" { for (i = 2; i < NF; i++) { if ($(i+1) ~ /^passed/) passed += $i; if ($(i+1) ~ /^(failed|timed)/) failed += $i } }
    /^test result:/ { passed += $4; failed += $6 }
    /^(#|ℹ) pass [0-9]+$/ { passed += $3 }
    /^(#|ℹ) (fail|cancelled) [0-9]+$/ { failed += $3 }
    END { if (broken && !failed) failed = broken; printf "%d passed, %d failed\n", passed, failed }' "$log"
}

step "host" rust_tests --workspace
step "host, documentation" cargo test --locked --doc --workspace
step "functions" guest_tests rust_tests --workspace
step "functions, documentation" guest_tests cargo test --locked --doc --workspace
step "clients" client_tests

[ ${#broken[@]} = 0 ] || printf 'test: failed: %s\n' "${broken[@]}" >&2
count
[ ${#broken[@]} = 0 ]
