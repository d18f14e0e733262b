#!/usr/bin/env bash
# Makes a compiler for wasm32-unknown-unknown ready, says on stderr which and why, and prints `rustup` or `debian`.
set -euo pipefail
cd "$(dirname "$0")/.."

target=wasm32-unknown-unknown
say() { echo "setup: guest toolchain: $*" >&2; }

target_is_there() { [ -d "$(rustc --print target-libdir --target $target 2>/dev/null)" ]; }

use_rustup() {
  if target_is_there; then
    say "the installed rustc, which has the target $target"
  elif command -v rustup >/dev/null && timeout 300 rustup target add $target >/dev/null 2>&1 && target_is_there; then
    say "added the target $target with rustup: functions compile to it"
  else
    return 1
  fi
  echo rustup
}

use_debian() {
  scripts/install-debian.sh "a compiler for guests, $1" rustc-web cargo-web rust-web-src
  if [ ! -e "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.toml" ]; then
    say "Debian's $(/usr/bin/rustc --version) has no standard library source: is another package's rustc in its place?"
    exit 1
  fi
  say "Debian's $(/usr/bin/rustc --version | cut -d' ' -f1-2), which builds the standard library for $target itself: $1"
  echo debian
}

case ${USHER_GUEST_TOOLCHAIN:-auto} in
auto) use_rustup || use_debian "because rustup cannot add the target $target" ;;
rustup) use_rustup || { say "rustup cannot add the target $target; USHER_GUEST_TOOLCHAIN=debian needs no download of it" && exit 1; } ;;
debian) use_debian "because USHER_GUEST_TOOLCHAIN asks for it" ;;
*) say "unknown USHER_GUEST_TOOLCHAIN \`$USHER_GUEST_TOOLCHAIN\`: use auto, rustup or debian" && exit 1 ;;
esac
