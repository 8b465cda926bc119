#!/usr/bin/env bash
# Measures the program on this machine and writes target/bench/bench.md and bench.json. What `make bench`
# calls; arguments go to `cargo xtask bench` (see `cargo xtask bench --help`).
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$root"

need_packages build-essential ca-certificates curl python3 wrk postgresql chromium
need_rust
has node || need_packages nodejs
has npm || need_packages npm
need_programs wrk="to make the load" python3="to write the log that is shown" node="for the browser's figures" npm="to get Playwright"
need_npm_packages "$root/e2e"
build_web

exec cargo xtask bench "$@"
