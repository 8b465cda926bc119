#!/usr/bin/env bash
# Prints where an ssh server is, for the tests of repositories over ssh: the system's, or Debian's unpacked into the
# cache. Nothing is installed, nothing is started and root is not needed; a test starts it for itself on the loopback
# interface, with keys of its own.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

cache=${GANTRY_TEST_CACHE:-$HOME/.cache/gantry-test}/openssh-server
if found=$(command -v sshd); then
  echo "$found"
  exit 0
fi
if [ ! -x "$cache/sshd" ]; then
  on_debian || die "there is no sshd here; install OpenSSH's server, or leave it out with GANTRY_TEST_SKIP=ssh"
  need_programs ssh="git over ssh" ssh-keygen="keys for the tests" dpkg-deb="unpacking Debian's package" || exit 1
  rm -rf "$cache"
  mkdir -p "$cache/package" || die "$cache cannot be made"
  say "getting openssh-server"
  (cd "$cache/package" && apt-get -q download openssh-server libwrap0 >/dev/null 2>&1) ||
    die "openssh-server cannot be downloaded; leave it out with GANTRY_TEST_SKIP=ssh"
  for package in "$cache"/package/*.deb; do
    dpkg-deb -x "$package" "$cache/package" || die "$package cannot be unpacked"
  done
  # Side by side: whoever runs it says by LD_LIBRARY_PATH where its library is.
  find "$cache/package" -name 'libwrap.so.0' -exec cp -L {} "$cache/" \;
  mv "$cache/package/usr/sbin/sshd" "$cache/sshd" || die "there is no sshd in Debian's package"
  rm -rf "$cache/package"
fi
echo "$cache/sshd"
