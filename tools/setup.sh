#!/usr/bin/env bash
# Makes .venv with the command `segue` (installed editable) and the development tools, and compiles the kernels, so that
# the first demo or test does not wait for them. Says nothing when it is up to date.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

# The stamp holds the folder too: a virtual environment that was moved is a broken one.
wanted=$( { pwd; cat requirements.lock pyproject.toml tools/setup.sh; } | sha256sum | cut -d' ' -f1)
current() { [ "$(cat .venv/.segue-setup 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; }
current && exit 0

mkdir -p .segue
exec 9>.segue/setup.lock
flock 9 2>/dev/null || true
current && exit 0

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# Without profile-guided optimisation (pyenv's default) a Python takes up to twice the CPU. A distribution's has it and does not say so.
optimised() {
  new_enough "$1" && "$1" -c 'import sys, sysconfig
sys.exit(sys.prefix != "/usr" and "--enable-optimizations" not in (sysconfig.get_config_var("CONFIG_ARGS") or ""))' 2>/dev/null
}

find_python() {
  local fits name
  for fits in optimised new_enough; do
    for name in ${PYTHON:-python3 /usr/bin/python3 python3.11 python3.12 python3.13 python3.14}; do
      if "$fits" "$name"; then command -v "$name"; return 0; fi
    done
  done
  return 1
}

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

apt_install() {
  say "installing $* with apt-get"
  apt-get update -q >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

if ! python=$(find_python); then
  may_install || { say "Python 3.11 or newer is missing; on Debian or Ubuntu: sudo apt-get install python3 python3-venv"; exit 1; }
  apt_install python3 python3-venv
  python=$(find_python) || { say "this system's python3 is older than 3.11: set PYTHON to a newer one"; exit 1; }
fi

if ! .venv/bin/python -c '' 2>/dev/null; then
  say "making .venv with $python"
  rm -rf .venv
  # Debian splits ensurepip off into python3-venv.
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    may_install || { say "Python's venv module is incomplete: sudo apt-get install python3-venv"; exit 1; }
    apt_install "$(basename "$(readlink -f "$python")")-venv" || apt_install python3-venv
  fi
  "$python" -m venv .venv
fi

say "installing the locked packages"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
say "compiling the kernels (some three minutes, kept beside the sources)"
.venv/bin/python -m streams.warm_up
printf '%s\n' "$wanted" > .venv/.segue-setup
say "done: .venv/bin/segue"
