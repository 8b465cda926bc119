# shellcheck shell=bash
# What every script here shares: where things are, saying things, and getting what is missing.
# It is sourced, not run:  . "$(dirname "$0")/lib.sh"

# The workspace's root: scripts may be called from anywhere.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Rust's own place for programs is not in the path of a fresh login.
export PATH=$PATH:${CARGO_HOME:-${HOME:?}/.cargo}/bin:/usr/sbin:/sbin
# One target directory for all clones, so that a fresh clone does not compile dependencies anew.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/gantry-target}

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
die() { say "$*"; exit 1; }

has() { command -v "$1" >/dev/null 2>&1; }

# Whether this is Debian, or a system made from it, whose packages we know by name.
on_debian() { has apt-get && has dpkg-query; }

# Runs a command as root: directly, or by sudo when it asks for no password or somebody can type one.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif has sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    sudo "$@"
  else
    return 77
  fi
}

# Installs the Debian packages $@ that are missing. On another system, or without the right to do so,
# says which they are and the command that gets them, and fails.
need_packages() {
  local missing=() package status=0
  if ! on_debian; then
    return 0 # Nothing is known by name; what is really missing is found by need_programs.
  fi
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "installing ${missing[*]}"
  {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null 2>&1 || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
      install --no-install-recommends "${missing[@]}" >/dev/null
  } || status=$?
  [ "$status" -eq 0 ] && return 0
  say "these Debian packages are missing and could not be installed: ${missing[*]}"
  say "get them with:  sudo apt-get install --no-install-recommends ${missing[*]}"
  return 1
}

# Fails unless all programs are there, each given as program=what-it-is-for.
need_programs() {
  local entry absent=0
  for entry in "$@"; do
    has "${entry%%=*}" && continue
    say "missing: ${entry%%=*} (${entry#*=})"
    absent=1
  done
  [ "$absent" -eq 0 ] || say "install the above with this system's package manager, then run the same command again"
  return "$absent"
}

# Rust with the version and target that rust-toolchain.toml names.
need_rust() {
  if ! has cargo; then
    if on_debian && has curl; then
      say "installing Rust into ${CARGO_HOME:-$HOME/.cargo} with rustup, its official installer"
      curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
        sh -s -- -y -q --profile minimal --default-toolchain none --no-modify-path || {
        say "Rust could not be installed; see https://rustup.rs"
        return 1
      }
    else
      say "missing: Rust. Get it with:  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
      return 1
    fi
  fi
  if has rustup; then
    # Reading the version makes rustup fetch what rust-toolchain.toml names.
    (cd "$root" && rustc --version >/dev/null) || (cd "$root" && rustup toolchain install) || return 1
    (cd "$root" && rustup target list --installed | grep -qx wasm32-unknown-unknown) ||
      (cd "$root" && rustup target add wasm32-unknown-unknown) || return 1
  else
    [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ] || {
      say "missing: Rust's target wasm32-unknown-unknown, which the web interface is compiled for."
      say "This Rust did not come from rustup: install the target with the system's package manager,"
      say "or get rustup:  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
      return 1
    }
  fi
}

# Installs the cargo program $1 at version $2 unless some version of it is there.
need_cargo_program() {
  has "$1" && return 0
  say "compiling $1 $2, once (some minutes)"
  # Its own target directory: the shared one would keep another set of dependencies for good.
  (cd "$HOME" && nice env -u CARGO_TARGET_DIR cargo install --quiet --locked "$1" --version "$2")
}

# What package-lock.json in folder $1 names.
need_npm_packages() {
  local folder=$1
  if [ ! -f "$folder/node_modules/.stamp" ] || [ "$folder/package-lock.json" -nt "$folder/node_modules/.stamp" ]; then
    say "npm ci in ${folder#"$root"/}"
    (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error >&2) && touch "$folder/node_modules/.stamp"
  fi
}

# Makes dist/ (the web interface, optimised) unless nothing that it is made from has changed.
build_web() {
  local stamp=$root/target/web.stamp
  if [ -f "$stamp" ] && [ -f "$root/dist/index.html" ] && [ -z "$(find "$root"/{web,domain,generator,xtask/src} \
    "$root"/{Cargo.toml,Cargo.lock,rust-toolchain.toml} -newer "$stamp" -print -quit)" ]; then
    return 0
  fi
  say "building the web interface"
  mkdir -p "$root/target"
  # The moment before the build, so that a change made meanwhile counts.
  touch "$stamp.new"
  (cd "$root" && cargo xtask web --release) && mv "$stamp.new" "$stamp"
}

# Makes the server's release binary, with dist/ inside. Prints where it is.
build_server() {
  (cd "$root" && cargo build --release --package gantry-cli) >&2 || return 1
  echo "$CARGO_TARGET_DIR/release/gantry"
}
