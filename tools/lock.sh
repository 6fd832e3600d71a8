#!/usr/bin/env bash
# Resolves pyproject.toml into requirements.lock: every package pinned, with the hashes of all its files, and no index named.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
.venv/bin/python -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check pip-tools
"$tools/bin/pip-compile" --quiet --generate-hashes --allow-unsafe --strip-extras --extra dev \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
  --output-file "$tools/requirements.lock" pyproject.toml
{
  echo '# Every package with its hashes, for pip install --require-hashes; no index is named. Rewritten by `make lock`.'
  cat "$tools/requirements.lock"
} > requirements.lock
