#!/usr/bin/env bash
# Runs Gantry from this clone: gets what is missing, builds the web interface and the server, starts it.
# The second time only what changed is built. What `make run` calls.
#
#   GANTRY_LISTEN=127.0.0.1:7777     where to listen
#   GANTRY_DATA=./data               where the database, the master key and images are kept
#   GANTRY_DATABASE_URL=postgres://… another database than the SQLite file in GANTRY_DATA
# `gantry serve --help` lists the rest.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

need_packages build-essential ca-certificates curl
need_programs cc="the C compiler, for SQLite and ring" curl="to fetch Rust"
need_rust

build_web
say "building the server (minutes the first time, seconds afterwards)"
gantry=$(build_server)

export GANTRY_LISTEN=${GANTRY_LISTEN:-127.0.0.1:7777}
export GANTRY_DATA=${GANTRY_DATA:-$root/data}
cd "$root"
exec "$gantry" serve
