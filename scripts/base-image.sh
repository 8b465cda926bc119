#!/usr/bin/env bash
# Sees to it that the Docker Engine of the tests has the base image that generated Dockerfiles start
# FROM. Where a public registry can be reached, the engine of the machine pulls the real one; for an
# engine of our own, or without internet, a small one is made from Debian packages (once, then cached).
#
#   base-image.sh [up]    makes and loads what is missing
#   base-image.sh status  exit code 1 when the engine has no such image
#
# GANTRY_DOCKER=unix:///path      the engine; see docker-engine.sh
# GANTRY_TEST_CACHE=/path         where the root file system is kept; $HOME/.cache/gantry-test by default
#
# The stand-in carries the tag that Dockerfiles name, and Debian's Python, whose version is the
# distribution's: what the tests prove of it is the build, not the version of Python.
set -euo pipefail

name=python
tag=3.12-slim
cache=${GANTRY_TEST_CACHE:-${HOME:?}/.cache/gantry-test}
here=$(cd "$(dirname "$0")" && pwd)

say() { printf 'base-image: %s\n' "$*" >&2; }

eval "$("$here/docker-engine.sh" env)"
socket=${GANTRY_DOCKER#unix://}
engine() { curl -fsS --unix-socket "$socket" "$@"; }
present() { engine -o /dev/null "http://docker/images/$name:$tag/json" 2>/dev/null; }

need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ]; then
    say "missing: ${missing[*]}. Install them as root: apt-get install -y ${missing[*]}"
    exit 1
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null || true
  apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${missing[@]}" >/dev/null
}

# The settings that pip on this machine finds its packages with, for builds that install some.
# Only what has no credential in it: a base image is no place for one.
pip_settings() {
  local index
  echo "[global]"
  echo "cert = /etc/ssl/certs/ca-certificates.crt"
  for key in index-url extra-index-url; do
    index=$(python3 -m pip config get "global.$key" 2>/dev/null || true)
    [ "$key" = index-url ] && index=${PIP_INDEX_URL:-$index}
    case $index in
      "" | *@*) ;;
      http://*) echo "$key = $index"; echo "trusted-host = $(printf %s "$index" | sed 's#^http://##; s#[:/].*##')" ;;
      *) echo "$key = $index" ;;
    esac
  done
}

# Makes the root file system at $1.
make_root() {
  local architecture suite mirror started log
  need_packages mmdebstrap ca-certificates
  if [ "$(id -u)" -ne 0 ]; then
    say "making the base image needs root (mmdebstrap): run this as root, or pull $name:$tag yourself"
    exit 1
  fi
  architecture=$(dpkg --print-architecture)
  # The suite and the archive that apt on this machine already uses; Ubuntu's would do as well.
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
  say "making a root file system for $architecture from $suite: about half a minute, once"
  started=$(date +%s)
  log=$cache/base-image.log
  pip_settings >"$cache/pip.conf"
  # The authorities that this machine trusts come along, so that what a build downloads is checked
  # the same way here and there (a company's proxy often has its own).
  # The list of paths that are left out is what makes it about as small as the real "slim" image.
  mmdebstrap --variant=essential --mode=root --architectures="$architecture" \
    --include=python3,python3-pip,python3-venv,ca-certificates \
    --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='ln -sf python3 "$1/usr/bin/python"; [ -e "$1/usr/bin/pip" ] || ln -s pip3 "$1/usr/bin/pip"' \
    --customize-hook='rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED' \
    --customize-hook="cp '$cache/pip.conf' \"\$1/etc/pip.conf\"" \
    --customize-hook='cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"' \
    "$suite" "$1.part.tar" "$mirror" >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
  mv "$1.part.tar" "$1"
  say "made in $(($(date +%s) - started)) s, $(du -h "$1" | cut -f1)"
}

load() {
  if present; then
    say "the engine has $name:$tag"
    return
  fi
  if [ "$socket" = /var/run/docker.sock ]; then
    say "pulling $name:$tag"
    engine -m 120 -o /dev/null -X POST "http://docker/images/create?fromImage=$name&tag=$tag" 2>/dev/null || true
    if present; then
      say "pulled"
      return
    fi
    say "could not be pulled; a stand-in of that name is loaded into the engine of this machine"
  fi
  local root
  mkdir -p "$cache"
  root=$cache/python-$(dpkg --print-architecture).tar
  [ -s "$root" ] || make_root "$root"
  engine -o /dev/null -X POST -H 'Content-Type: application/x-tar' -H "Expect:" -T - \
    "http://docker/images/create?fromSrc=-&repo=$name&tag=$tag&changes=ENV%20PATH%3D%2Fusr%2Flocal%2Fsbin%3A%2Fusr%2Flocal%2Fbin%3A%2Fusr%2Fsbin%3A%2Fusr%2Fbin%3A%2Fsbin%3A%2Fbin&changes=ENV%20LANG%3DC.UTF-8&changes=CMD%20%5B%22python3%22%5D" <"$root"
  present || { say "the engine did not take the image"; exit 1; }
  say "loaded $name:$tag from $root"
}

case ${1:-up} in
  up) load ;;
  status) if present; then say "the engine has $name:$tag"; else say "the engine has no $name:$tag"; exit 1; fi ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
