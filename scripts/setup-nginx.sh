#!/usr/bin/env bash
# Puts an nginx on the PATH of the tests that ask through its `auth_request`: the machine's own, else Debian's unpacked, so that no service starts.
set -euo pipefail
: "${USHER_TOOLS:?run \`make test\`, which sets it}"

say() { echo "setup: $*" >&2; }
link() { mkdir -p "$USHER_TOOLS/bin" && ln -sf "$1" "$USHER_TOOLS/bin/nginx"; }

! command -v nginx >/dev/null || exit 0
if [ -x /usr/sbin/nginx ]; then
  link /usr/sbin/nginx
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  say "nginx is needed, which the tests of \`auth_request\` ask through, and only apt-get fetches it here: install it by hand"
  exit 1
fi

say "unpacking Debian's nginx into $USHER_TOOLS/nginx: the tests of \`auth_request\` ask through it"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
download() { (cd "$folder" && apt-get download nginx >log 2>&1); }
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
# The package lists of a new machine are missing or old: then they are fetched, once.
if ! download && ! { "${as_root[@]}" apt-get update >/dev/null 2>&1 && download; }; then
  cat "$folder/log" >&2
  exit 1
fi
rm -rf "$USHER_TOOLS/nginx"
mkdir -p "$USHER_TOOLS/nginx"
dpkg-deb --extract "$folder"/nginx_*.deb "$USHER_TOOLS/nginx"
link "$USHER_TOOLS/nginx/usr/sbin/nginx"
if ! error=$("$USHER_TOOLS/bin/nginx" -v 2>&1); then
  say "the unpacked nginx does not run here: $error"
  exit 1
fi
