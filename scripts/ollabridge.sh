#!/usr/bin/env bash
# The real OllaBridge gateway for the tests, from the Python package `ollabridge`, on loopback only and in
# pairing mode. The package comes from wherever pip is configured to look.
#
#   ollabridge.sh up       installs what is missing, starts it, waits until it answers
#   ollabridge.sh down     stops what `up` started
#   ollabridge.sh status   says whether it answers; exit code 1 when it does not
#   ollabridge.sh env      prints `export …` for it
#
# GANTRY_TEST_CACHE=/path               where everything is kept; $HOME/.cache/gantry-test by default
# GANTRY_TEST_OLLABRIDGE_PORT=5711      where it listens; on the next port a test stands in for its Ollama
set -euo pipefail

cache=${GANTRY_TEST_CACHE:-${HOME:?}/.cache/gantry-test}
home=$cache/ollabridge
port=${GANTRY_TEST_OLLABRIDGE_PORT:-5711}
version=0.1.9

say() { printf 'ollabridge: %s\n' "$*" >&2; }

answers() { curl -fs -o /dev/null -m 5 "http://127.0.0.1:$port/health"; }

install() {
  [ -x "$home/venv/bin/uvicorn" ] && "$home/venv/bin/python" -c 'import ollabridge' 2>/dev/null && return
  say "installing ollabridge $version"
  python3 -m venv "$home/venv"
  "$home/venv/bin/pip" install --quiet --disable-pip-version-check "ollabridge==$version"
}

up() {
  if answers; then
    say "it answers on 127.0.0.1:$port"
    return
  fi
  mkdir -p "$home/home" "$home/data"
  chmod 0700 "$home"
  install
  # It reads settings from the environment and from .env in its working directory. The key and the secret are
  # known on purpose: it listens on loopback and holds nothing.
  (
    cd "$home"
    exec env HOME="$home/home" DATA_DIR="$home/data" HOST=127.0.0.1 AUTH_MODE=pairing API_KEYS=test-key-1 \
      OLLA_SECRET=only-for-tests OLLAMA_BASE_URL="http://127.0.0.1:$((port + 1))" DEFAULT_MODEL=stand-in \
      HF_HUB_OFFLINE=1 setsid "$home/venv/bin/uvicorn" ollabridge.api.main:app --host 127.0.0.1 --port "$port"
  ) >"$home/log" 2>&1 </dev/null &
  echo $! >"$home/pid"
  local attempt
  for attempt in $(seq 1 150); do
    if answers; then
      say "it answers on 127.0.0.1:$port (pid $(cat "$home/pid"), $((attempt * 200)) ms)"
      return
    fi
    sleep 0.2
  done
  say "it does not answer; the end of its log:"
  tail -n 15 "$home/log" >&2
  exit 1
}

down() {
  local pid
  pid=$(cat "$home/pid" 2>/dev/null || true)
  if [ -n "$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "ollabridge.api.main:app"; then
    kill "$pid"
    say "stopped (pid $pid)"
  fi
  rm -f "$home/pid"
}

status() {
  if answers; then say "it answers on 127.0.0.1:$port"; else
    say "it does not answer on 127.0.0.1:$port"
    return 1
  fi
}

environment() {
  echo "export GANTRY_TEST_OLLABRIDGE=127.0.0.1:$port"
  echo "export GANTRY_TEST_OLLABRIDGE_UPSTREAM=127.0.0.1:$((port + 1))"
}

case ${1:-} in
  up) up ;;
  down) down ;;
  status) status ;;
  env) environment ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
