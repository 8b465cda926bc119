#!/usr/bin/env bash
# A throw-away Postgres for the tests: a cluster of its own in a temporary directory, on a loopback
# port that nobody uses, without durability. A Postgres of the machine is never touched.
#
#   postgres.sh up       makes and starts it, waits until it answers
#   postgres.sh down     stops it and removes everything
#   postgres.sh env      prints `export GANTRY_TEST_POSTGRES=…`
#
# GANTRY_TEST_POSTGRES_DURABLE=yes   with durability after all, as Postgres comes: for measurements
# GANTRY_TEST_CACHE=/path            where the note about the running cluster is kept; $HOME/.cache/gantry-test by default
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

cache=${GANTRY_TEST_CACHE:-$HOME/.cache/gantry-test}
note=$cache/postgres.note # two lines: the cluster's directory and its port

# Postgres refuses to run as root, so root hands it to the user that Debian's package makes.
as_owner() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd / && setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/nonexistent "$@")
  else
    "$@"
  fi
}

# Prints the directory of Postgres' own programs, the newest version's.
programs() {
  local folder newest=
  for folder in /usr/lib/postgresql/*/bin; do [ -x "$folder/initdb" ] && newest=$folder; done
  if [ -z "$newest" ] && has initdb; then newest=$(dirname "$(command -v initdb)"); fi
  [ -n "$newest" ] || die "no Postgres found: install the Debian package postgresql, or put initdb and postgres into the path"
  echo "$newest"
}

running() { [ -s "$note" ] && as_owner "$(programs)/pg_ctl" -D "$(sed -n 1p "$note")" status >/dev/null 2>&1; }

up() {
  local bin directory port
  if running; then
    say "already running on 127.0.0.1:$(sed -n 2p "$note")"
    return
  fi
  has initdb || [ -n "$(compgen -G '/usr/lib/postgresql/*/bin/initdb')" ] || need_packages postgresql
  bin=$(programs)
  mkdir -p "$cache"
  directory=$(mktemp -d "${TMPDIR:-/tmp}/gantry-postgres.XXXXXX")
  [ "$(id -u)" -ne 0 ] || chown postgres: "$directory"
  as_owner "$bin/initdb" -D "$directory/data" -U gantry --auth=trust --encoding=UTF8 --no-sync >"$directory.log" 2>&1 ||
    { cat "$directory.log" >&2; die "initdb failed"; }
  port=$(free_port)
  # Durability costs time and protects data that is thrown away in a minute.
  local careless="-c fsync=off -c full_page_writes=off -c synchronous_commit=off"
  [ "${GANTRY_TEST_POSTGRES_DURABLE:-}" != yes ] || careless=
  as_owner "$bin/pg_ctl" -D "$directory/data" -l "$directory/server.log" -w -t 60 start -o "-c listen_addresses=127.0.0.1 -c port=$port \
    -c unix_socket_directories=$directory $careless -c max_connections=400 \
    -c shared_buffers=128MB -c max_wal_size=2GB" >>"$directory.log" 2>&1 || { tail -n 20 "$directory/server.log" >&2; die "Postgres did not start"; }
  rm -f "$directory.log"
  printf '%s\n%s\n' "$directory/data" "$port" >"$note"
  say "started on 127.0.0.1:$port ($("$bin/postgres" --version | sed 's/^[^0-9]*//'), data in $directory)"
}

# A port that nobody listens on now.
free_port() {
  local port
  for port in $(seq 54330 54400); do
    (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  die "no free port between 54330 and 54400"
}

down() {
  local directory
  if ! running; then
    rm -f "$note"
    say "not running"
    return
  fi
  directory=$(sed -n 1p "$note")
  as_owner "$(programs)/pg_ctl" -D "$directory" -m immediate -w stop >/dev/null
  rm -f "$note"
  case $directory in */gantry-postgres.*/data) rm -rf "${directory%/data}" ;; esac
  say "stopped"
}

environment() {
  running || die "not running: postgres.sh up"
  echo "export GANTRY_TEST_POSTGRES=postgres://gantry@127.0.0.1:$(sed -n 2p "$note")/postgres"
}

case ${1:-} in
  up) up ;;
  down) down ;;
  env) environment ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
