#!/usr/bin/env bash
# Resolves pyproject.toml into two locks: every package pinned, with the hashes of all its files, and no index named.
#   requirements.lock      what `make setup` installs: the command, its rivals and the development tools
#   requirements-run.lock  what the image installs: the command alone; a subset of the first
# Versions that still fit are kept; start from nothing with: rm requirements*.lock
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
.venv/bin/python -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check pip-tools

resolve() { # resolve OUTPUT [options]
  local output=$1
  shift
  [ ! -e "$output" ] || cp "$output" "$tools/lock"
  "$tools/bin/pip-compile" --quiet --generate-hashes --allow-unsafe --strip-extras \
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options --no-header --no-annotate \
    "$@" --output-file "$tools/lock" pyproject.toml
  {
    echo '# Every package with its hashes, for pip install --require-hashes; no index is named. Rewritten by `make lock`.'
    cat "$tools/lock"
  } > "$output"
  rm "$tools/lock"
}

resolve requirements.lock --extra dev --extra rivals --extra build
resolve requirements-run.lock --extra build --constraint requirements.lock
