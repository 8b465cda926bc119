#!/usr/bin/env bash
# A Docker Engine for the tests: uses the one that already answers on this machine, or starts one of
# its own beside it from Debian's docker.io, with its own data, and stops it again.
#
#   docker-engine.sh up       starts what is missing, waits until it answers
#   docker-engine.sh down     stops the engine that `up` started; an engine of the machine is left alone
#   docker-engine.sh status   says which engine answers; exit code 1 when none does
#   docker-engine.sh env      prints `export GANTRY_DOCKER=…` for the engine that answers
#
# GANTRY_DOCKER=unix:///path      names the engine to use; then nothing else is looked at
# GANTRY_TEST_CACHE=/path         where everything is kept; $HOME/.cache/gantry-test by default
set -euo pipefail

cache=${GANTRY_TEST_CACHE:-${HOME:?}/.cache/gantry-test}
home=$cache/docker
own_socket=/run/gantry-test-docker.sock
own_bridge=gantry-test0
pidfile=$home/dockerd.pid
log=$home/dockerd.log

say() { printf 'docker-engine: %s\n' "$*" >&2; }

# Whether an engine answers on the socket $1.
answers() { [ -S "$1" ] && [ "$(curl -fsS -m 5 --unix-socket "$1" http://docker/_ping 2>/dev/null || true)" = OK ]; }

# Prints the socket of the engine that answers, or fails.
socket() {
  local candidate
  if [ -n "${GANTRY_DOCKER:-}" ]; then
    candidate=${GANTRY_DOCKER#unix://}
    answers "$candidate" && { echo "$candidate"; return; }
    return 1
  fi
  for candidate in /var/run/docker.sock "$own_socket"; do
    answers "$candidate" && { echo "$candidate"; return; }
  done
  return 1
}

version() { curl -fsS -m 5 --unix-socket "$1" http://docker/version | sed -n 's/^{[^}]*}*.*"Version":"\([0-9][^"]*\)".*/\1/p' | head -n 1; }

# Installs the Debian packages $@ that are missing.
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
  # The package starts an engine by itself where there is an init system; ours is enough.
  apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${missing[@]}" >/dev/null
}

# A bridge of our own, never docker0: a second engine on one machine that shares or removes docker0
# breaks the first one's containers.
make_bridge() {
  ip link show "$own_bridge" >/dev/null 2>&1 && return
  ip link add "$own_bridge" type bridge
  ip addr add 172.29.77.1/24 dev "$own_bridge"
  ip link set "$own_bridge" up
  say "made the bridge $own_bridge (172.29.77.1/24)"
}

up() {
  local found
  if found=$(socket); then
    say "an engine answers on $found ($(version "$found")); using it"
    return
  fi
  if [ -n "${GANTRY_DOCKER:-}" ] && [ "${GANTRY_DOCKER#unix://}" != "$own_socket" ]; then
    say "GANTRY_DOCKER names ${GANTRY_DOCKER} and no engine answers there: start it, or unset GANTRY_DOCKER"
    exit 1
  fi
  need_packages docker.io curl iproute2 iptables ca-certificates
  if [ "$(id -u)" -ne 0 ]; then
    say "no engine answers, and only root may start one: start Docker, or run this as root"
    exit 1
  fi
  mkdir -p "$home"
  chmod 0700 "$home"
  make_bridge
  # Overlay needs a file system below it that supports it; a container's own overlay does not, and
  # vfs (slow, copies every layer) always works.
  local driver=overlay2
  grep -qw overlay /proc/filesystems || driver=vfs
  case $(stat -f -c %T "$home") in overlayfs | tmpfs | fuseblk) driver=vfs ;; esac
  # Packet rules only where the kernel takes them; without them builds still run, with
  # GANTRY_BUILD_NETWORK=host when they need the network.
  local rules=true
  iptables -w -t nat -L -n >/dev/null 2>&1 || rules=false
  # dockerd looks for its helpers in the path; sbin is missing from some users' paths.
  PATH=$PATH:/usr/sbin:/sbin setsid dockerd \
    --host "unix://$own_socket" --data-root "$home/data" --exec-root "$home/run" --pidfile "$home/engine.pid" \
    --bridge "$own_bridge" --iptables="$rules" --ip-masq="$rules" --ip6tables=false --storage-driver "$driver" \
    >"$log" 2>&1 </dev/null &
  echo $! >"$pidfile"
  say "starting dockerd (pid $(cat "$pidfile"), storage $driver, packet rules $rules, log $log)"
  local second
  for second in $(seq 1 60); do
    if answers "$own_socket"; then
      say "answers on $own_socket after $second s ($(version "$own_socket"))"
      return
    fi
    kill -0 "$(cat "$pidfile")" 2>/dev/null || break
    sleep 1
  done
  say "dockerd does not answer; the end of $log:"
  tail -n 20 "$log" >&2
  exit 1
}

down() {
  local pid
  pid=$(cat "$pidfile" 2>/dev/null || true)
  if [ -z "$pid" ] || ! tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$own_socket"; then
    say "no engine of ours is running"
    rm -f "$pidfile"
    return
  fi
  kill "$pid"
  for _ in $(seq 1 30); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 1
  done
  rm -f "$pidfile"
  ip link del "$own_bridge" 2>/dev/null || true
  say "stopped (pid $pid)"
}

status() {
  local found
  if found=$(socket); then
    say "Docker Engine $(version "$found") answers on $found"
  else
    say "no Docker Engine answers"
    return 1
  fi
}

case ${1:-} in
  up) up ;;
  down) down ;;
  status) status ;;
  env) found=$(socket) || { say "no Docker Engine answers"; exit 1; }; echo "export GANTRY_DOCKER=unix://$found" ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
