#!/usr/bin/env bash
# Compiles every function and test guest to WebAssembly, and puts each where its manifest or the tests look for it.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${USHER_GUESTS_TARGET:?run \`make guests\`, which sets it}"

target=wasm32-unknown-unknown
toolchain=$(scripts/guest-toolchain.sh)
built=$USHER_GUESTS_TARGET/$target/release

# RUSTFLAGS would replace the stack size that functions/.cargo/config.toml sets, so it is taken out of the environment.
compile() {
  local workspace=$1
  shift
  cd "$workspace"
  case $toolchain in
  rustup) env -u RUSTFLAGS CARGO_TARGET_DIR="$USHER_GUESTS_TARGET" cargo build --locked --release --target $target "$@" ;;
  debian) compile_with_std "$@" ;;
  esac
}

# Debian ships no standard library for the target, so it is built along; the linker is the one that rustup's rustc brings.
compile_with_std() {
  local host linker
  host=$(rustc -vV | sed -n 's/^host: //p')
  linker=$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld
  env -u RUSTFLAGS -u RUSTUP_TOOLCHAIN CARGO_TARGET_DIR="$USHER_GUESTS_TARGET" PATH=/usr/bin:/bin RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$linker" \
    /usr/bin/cargo build -Zbuild-std=std,panic_abort --locked --release --target $target "$@"
}

# The same bytes keep their time, so that nothing that embeds them is built again.
place() {
  cmp --silent "$1" "$2" && return
  mkdir -p "$(dirname "$2")"
  cp "$1" "$2.partial"
  mv "$2.partial" "$2"
  echo "guests: $2"
}

(compile functions --workspace)
find functions -name function.toml -print | while read -r manifest; do
  folder=$(dirname "$manifest")
  [ -e "$folder/Cargo.toml" ] || continue
  component=$(sed -n 's/^component *= *"\(.*\)"/\1/p' "$manifest")
  place "$built/$component" "$folder/$component"
done

(compile tests/guests --examples)
sed -n '/^\[\[example\]\]/,/^name/s/^name *= *"\(.*\)"/\1/p' tests/guests/Cargo.toml | tr - _ | while read -r guest; do
  place "$built/examples/$guest.wasm" "tests/guests/built/$guest.wasm"
done
