#!/usr/bin/env bash
# Two real OCI registries for the tests, from Debian's docker-registry, on loopback only:
# one open, one that asks for a user and a password.
#
#   registry.sh up       starts what is missing, waits until both answer
#   registry.sh down     stops what `up` started
#   registry.sh status   says which of them answer; exit code 1 when one does not
#   registry.sh env      prints `export …` for both
#
# GANTRY_TEST_CACHE=/path                  where everything is kept; $HOME/.cache/gantry-test by default
# GANTRY_TEST_REGISTRY_PORT=5701           the open one; the one with a password is on the next port
set -euo pipefail

cache=${GANTRY_TEST_CACHE:-${HOME:?}/.cache/gantry-test}
home=$cache/registry
port=${GANTRY_TEST_REGISTRY_PORT:-5701}
# Known on purpose: the registry listens on loopback and holds nothing but what the tests push.
user=gantry
password=test-password-1

say() { printf 'registry: %s\n' "$*" >&2; }

answers() { case $(curl -s -o /dev/null -m 5 -w '%{http_code}' "http://127.0.0.1:$1/v2/") in 200 | 401) return 0 ;; *) return 1 ;; esac; }

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

# Starts the registry named $1 (open or password) on port $2.
start() {
  local name=$1 on=$2
  if answers "$on"; then
    say "$name answers on 127.0.0.1:$on"
    return
  fi
  {
    echo "version: 0.1"
    echo "log: { level: info }"
    echo "storage: { filesystem: { rootdirectory: $home/$name }, delete: { enabled: true } }"
    echo "http: { addr: 127.0.0.1:$on, secret: only-for-tests }"
    if [ "$name" = password ]; then
      echo "auth: { htpasswd: { realm: gantry-test, path: $home/htpasswd } }"
    fi
  } >"$home/$name.yml"
  setsid docker-registry serve "$home/$name.yml" >"$home/$name.log" 2>&1 </dev/null &
  echo $! >"$home/$name.pid"
  local attempt
  for attempt in $(seq 1 50); do
    if answers "$on"; then
      say "$name answers on 127.0.0.1:$on (pid $(cat "$home/$name.pid"), $((attempt * 200)) ms)"
      return
    fi
    sleep 0.2
  done
  say "$name does not answer; the end of its log:"
  tail -n 10 "$home/$name.log" >&2
  exit 1
}

up() {
  need_packages docker-registry apache2-utils curl
  mkdir -p "$home"
  chmod 0700 "$home"
  [ -s "$home/htpasswd" ] || htpasswd -Bbn "$user" "$password" >"$home/htpasswd"
  start open "$port"
  start password "$((port + 1))"
}

down() {
  local name pid
  for name in open password; do
    pid=$(cat "$home/$name.pid" 2>/dev/null || true)
    if [ -n "$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$home/$name.yml"; then
      kill "$pid"
      say "stopped $name (pid $pid)"
    fi
    rm -f "$home/$name.pid"
  done
}

status() {
  local result=0 name on=$port
  for name in open password; do
    if answers "$on"; then say "$name answers on 127.0.0.1:$on"; else say "$name does not answer on 127.0.0.1:$on"; result=1; fi
    on=$((on + 1))
  done
  return $result
}

environment() {
  echo "export GANTRY_TEST_REGISTRY=127.0.0.1:$port"
  echo "export GANTRY_TEST_REGISTRY_PASSWORD=127.0.0.1:$((port + 1))"
  echo "export GANTRY_TEST_REGISTRY_CREDENTIAL=$user:$password"
}

case ${1:-} in
  up) up ;;
  down) down ;;
  status) status ;;
  env) environment ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
