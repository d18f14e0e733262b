#!/usr/bin/env bash
# Installs Debian packages for a stated reason: install-debian.sh REASON PACKAGE...
set -euo pipefail

reason=$1
shift

missing=()
for package in "$@"; do
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
if ! command -v apt-get >/dev/null || { [ ${#as_root[@]} -gt 0 ] && ! command -v sudo >/dev/null; }; then
  echo "setup: ${missing[*]} needed ($reason), and only apt-get as root installs it here: install it by hand" >&2
  exit 1
fi

echo "setup: installing ${missing[*]} with apt-get: $reason" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
install() { "${as_root[@]}" apt-get install --yes --no-install-recommends "${missing[@]}" >"$log" 2>&1; }
# The package lists of a new machine are missing or old: then they are fetched, once.
if ! install && ! { "${as_root[@]}" apt-get update >"$log" 2>&1 && install; }; then
  cat "$log" >&2
  exit 1
fi
