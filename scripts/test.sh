#!/usr/bin/env bash
# Everything that proves Gantry: gets what is missing, starts a Postgres, a Docker Engine and
# registries of its own, runs every check, stops what it started. What `make test` calls.
#
# All stages run even when one fails. The last line is `N passed, N failed, N skipped`; the exit code
# is 0 only when nothing failed.
#
#   GANTRY_TEST_SKIP=docker,registry,postgres,browser,python,ollabridge,ssh   leaves out what needs these parts, and says so
#   GANTRY_TEST_ONLY='fmt clippy'                              runs only these stages (see the headings)
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

logs=$root/target/test-logs
skip=,${GANTRY_TEST_SKIP:-},
skip=${skip// /}
passed=0
failed=0
skipped=0
failures=()
failed_tests=()
unsteady_tests=()
not_tested=()
timings=()
started_postgres=
started_engine=
started_registry=
started_ollabridge=

wants() { case $skip in *",$1,"*) return 1 ;; *) return 0 ;; esac; }

# Stops what was started here, whatever happened.
stop_everything() {
  trap - EXIT INT TERM
  [ -z "$started_ollabridge" ] || scripts/ollabridge.sh down
  [ -z "$started_registry" ] || scripts/registry.sh down
  [ -z "$started_engine" ] || scripts/docker-engine.sh down
  [ -z "$started_postgres" ] || scripts/postgres.sh down
}
trap stop_everything EXIT
trap 'stop_everything; exit 130' INT TERM

# Runs one stage: a name, a function that counts its results out of the log, and the command.
stage() {
  local name=$1 count=$2 began status took
  shift 2
  if [ -n "${GANTRY_TEST_ONLY:-}" ]; then
    case " $GANTRY_TEST_ONLY " in *" $name "*) ;; *) return 0 ;; esac
  fi
  printf '\n==> %s: %s\n' "$name" "$*"
  began=$SECONDS
  # Not through a pipe: what a stage leaves running would hold it open for ever.
  : >"$logs/$name.log"
  tail -n +1 -f "$logs/$name.log" &
  local tail_pid=$!
  "$@" >>"$logs/$name.log" 2>&1 </dev/null
  status=$?
  sleep 0.3 # so that its last lines are shown
  kill "$tail_pid"
  wait "$tail_pid" 2>/dev/null
  took=$((SECONDS - began))
  "$count" "$name" "$status"
  timings+=("$(printf '%5d s  %s' "$took" "$name")")
  if [ "$status" -eq 0 ]; then
    printf '<== %s: ok, %d s\n' "$name" "$took"
  else
    printf '<== %s: FAILED (exit code %d), %d s\n' "$name" "$status" "$took"
    failures+=("$name")
  fi
  return "$status"
}

# Leaves a stage out because what it stands on is not there.
without() {
  printf '\n==> %s: not run, because %s\n' "$1" "$2"
  failed=$((failed + 1))
  failures+=("$1 (not run: $2)")
}

# A stage that is one check.
count_one() { if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi; }

# A stage that only prepares: counted when it fails.
count_preparation() { [ "$2" -eq 0 ] || failed=$((failed + 1)); }

# The tests that nextest's summary lists with one of these words.
named_by_nextest() {
  sed 's/\x1b\[[0-9;]*m//g' "$logs/$1.log" | sed -n '/^ *Summary \[/,$p' \
    | sed -nE "s/^ *(TRY [0-9]+ )?($2) \[[^]]*\] *(\([^)]*\) *)?(.+)/\4/p" | sort -u
}

# `Summary [ 12.3s] 210 tests run: 208 passed (3 slow), 1 failed, 1 timed out, 4 skipped`
count_nextest() {
  local line ok bad timed left
  line=$(sed 's/\x1b\[[0-9;]*m//g' "$logs/$1.log" | grep -E '^ *Summary \[' | tail -n 1)
  ok=$(sed -nE 's/.*[:,] ([0-9]+) passed.*/\1/p' <<<"$line")
  bad=$(sed -nE 's/.*[:,] ([0-9]+) failed.*/\1/p' <<<"$line")
  timed=$(sed -nE 's/.*[:,] ([0-9]+) timed out.*/\1/p' <<<"$line")
  left=$(sed -nE 's/.*[:,] ([0-9]+) skipped.*/\1/p' <<<"$line")
  passed=$((passed + ${ok:-0}))
  failed=$((failed + ${bad:-0} + ${timed:-0}))
  skipped=$((skipped + ${left:-0}))
  # `        FAIL [   0.031s] (1/3) gantry-server::it streams::one`; FLAKY 2/2 is one that passed when it was run again.
  mapfile -t -O "${#failed_tests[@]}" failed_tests < <(named_by_nextest "$1" 'FAIL|TIMEOUT|SIG[A-Z]+')
  mapfile -t -O "${#unsteady_tests[@]}" unsteady_tests < <(named_by_nextest "$1" 'FLAKY 2/2')
  # It did not compile, or ended before its summary.
  [ "$2" -eq 0 ] || [ $((${bad:-0} + ${timed:-0})) -gt 0 ] || failed=$((failed + 1))
}

# `test result: ok. 3 passed; 0 failed; 1 ignored; …`, once for each crate
count_doctests() {
  local line before=$failed
  while read -r line; do
    passed=$((passed + $(sed -nE 's/.* ([0-9]+) passed;.*/\1/p' <<<"$line")))
    failed=$((failed + $(sed -nE 's/.* ([0-9]+) failed;.*/\1/p' <<<"$line")))
    skipped=$((skipped + $(sed -nE 's/.* ([0-9]+) ignored;.*/\1/p' <<<"$line")))
  done < <(grep '^test result:' "$logs/$1.log")
  [ "$2" -eq 0 ] || [ "$failed" -gt "$before" ] || failed=$((failed + 1))
}

# The titles of the stories of a report that ended like this: `unexpected`, or `flaky` when they passed the
# second time.
named_by_playwright() {
  node -e '
    const [report, status] = process.argv.slice(1);
    const of = (suite) => [...(suite.specs ?? []), ...(suite.suites ?? []).flatMap(of)];
    for (const spec of JSON.parse(require("fs").readFileSync(report, "utf8")).suites.flatMap(of)) {
      if (spec.tests.some((test) => test.status === status)) console.log(`${spec.file}:${spec.line} ${spec.title}`);
    }' "$1" "$2"
}

# Playwright's own report, as JSON.
count_playwright() {
  # The report of this stage; the next one writes its own.
  local report=$root/e2e/test-results/report.json ok bad left
  if [ -s "$report" ] && read -r ok bad left < <(node -e '
    const { stats } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    console.log(stats.expected + stats.flaky, stats.unexpected, stats.skipped)' "$report"); then
    passed=$((passed + ok))
    failed=$((failed + bad))
    skipped=$((skipped + left))
    mapfile -t -O "${#failed_tests[@]}" failed_tests < <(named_by_playwright "$report" unexpected)
    mapfile -t -O "${#unsteady_tests[@]}" unsteady_tests < <(named_by_playwright "$report" flaky)
    [ "$2" -eq 0 ] || [ "$bad" -gt 0 ] || failed=$((failed + 1))
  else
    failed=$((failed + 1))
  fi
}

prepare() {
  need_packages build-essential ca-certificates curl git python3 python3-venv shellcheck || return
  need_programs cc="the C compiler, for SQLite and ring" curl="to fetch Rust" || return
  need_rust || return
  (cd "$root" && rustup component add clippy rustfmt >/dev/null 2>&1) || true
  need_cargo_program cargo-nextest 0.9.151 || return
  need_cargo_program cargo-deny 0.20.2 || return
  ! wants browser || need_packages chromium || return
  ! wants registry || need_packages skopeo openssl || return
  # Where Node comes from elsewhere, npm is part of it; Debian has it apart.
  has node || need_packages nodejs || return
  has npm || need_packages npm || return
  need_programs node="to run the stories in e2e/" npm="to get Playwright" || return
  need_npm_packages "$root/e2e" || return
}

start_postgres() {
  scripts/postgres.sh env >/dev/null 2>&1 || started_postgres=yes
  scripts/postgres.sh up
}

start_engine() {
  scripts/docker-engine.sh status >/dev/null 2>&1 || started_engine=yes
  scripts/docker-engine.sh up && scripts/base-image.sh up
}

start_registry() {
  scripts/registry.sh status >/dev/null 2>&1 || started_registry=yes
  scripts/registry.sh up
}

start_ollabridge() {
  scripts/ollabridge.sh status >/dev/null 2>&1 || started_ollabridge=yes
  scripts/ollabridge.sh up
}

check_dependencies() {
  cargo deny --workspace --log-level error check bans licenses sources || return
  # Known vulnerabilities come from a git repository, which is not to be reached from everywhere.
  if timeout 90 cargo deny --log-level off fetch db >/dev/null 2>&1; then
    cargo deny --workspace --log-level error check advisories
  else
    echo "known vulnerabilities (RustSec): the advisory database cannot be reached from here" >>"$logs/not-tested"
    echo "ADVISORIES NOT CHECKED: the database cannot be reached from here"
  fi
}

clippy() { cargo clippy --quiet --workspace --exclude gantry-web --features xtask/bench --all-targets -- -D warnings; }
clippy_wasm() { cargo clippy --quiet --package gantry-web --target wasm32-unknown-unknown -- -D warnings; }
has_doctests() { grep -rqE '^\s*//[/!] ```($|rust|should_panic|compile_fail|no_run)' --include='*.rs' domain/src generator/src server/src; }
check_scripts() { shellcheck --external-sources --severity=warning scripts/*.sh .ci/run; }
check_web_size() { cargo xtask web --check-size; }
stories() { (cd e2e && rm -f test-results/report.json && GANTRY_BIN=$gantry npx --no-install playwright test --project="$1"); }

mkdir -p "$logs"
rm -f "$logs"/* "$root/e2e/test-results/report.json"

for part in docker registry postgres browser python ollabridge ssh; do
  wants "$part" || not_tested+=("GANTRY_TEST_SKIP names $part: nothing that needs it was tested")
done

export GANTRY_TEST_SKIP=${GANTRY_TEST_SKIP:-}
stage prepare count_preparation prepare || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
wants postgres && stage postgres count_preparation start_postgres && eval "$(scripts/postgres.sh env)"
wants docker && stage engine count_preparation start_engine && eval "$(scripts/docker-engine.sh env)"
wants registry && stage registry count_preparation start_registry && eval "$(scripts/registry.sh env)"
wants ollabridge && stage ollabridge count_preparation start_ollabridge && eval "$(scripts/ollabridge.sh env)"

stage scripts count_one check_scripts
stage fmt count_one cargo fmt --all --check
stage deny count_one check_dependencies
stage clippy count_one clippy
stage clippy-web count_one clippy_wasm
stage tests count_nextest cargo nextest run --profile ci --workspace --features xtask/bench
! has_doctests || stage doctests count_doctests cargo test --quiet --doc --workspace --exclude gantry-web

gantry=$CARGO_TARGET_DIR/release/gantry
if stage web count_one build_web && stage release count_one build_server; then
  stage web-size count_one check_web_size
  # Playwright is the runner of all of them; only the first needs a browser.
  ! wants browser || stage browser count_playwright stories browser
  stage command-line count_playwright stories command_line
  stage protocol count_playwright stories protocol
  stage kill count_playwright stories kill
else
  for name in browser command-line protocol kill; do without "$name" "the release build failed"; done
fi

[ ! -f "$logs/not-tested" ] || mapfile -t -O "${#not_tested[@]}" not_tested <"$logs/not-tested"
printf '\nWhat took how long:\n'
printf '%s\n' "${timings[@]}"
if [ ${#not_tested[@]} -gt 0 ]; then
  printf '\n******** NOT TESTED ********\n'
  printf '* %s\n' "${not_tested[@]}"
  printf '****************************\n'
fi
if [ ${#failures[@]} -gt 0 ]; then
  printf '\nFailed stages (logs are in %s):\n' "${logs#"$root"/}"
  printf '  %s\n' "${failures[@]}"
fi
stop_everything
if [ ${#unsteady_tests[@]} -gt 0 ]; then
  printf '\nFailed once and passed when run again, which is a fault of the test or of Gantry:\n'
  printf '  %s\n' "${unsteady_tests[@]}"
fi
if [ ${#failed_tests[@]} -gt 0 ]; then
  printf '\nFailed tests:\n'
  printf '  %s\n' "${failed_tests[@]}"
fi
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
