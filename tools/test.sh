#!/usr/bin/env bash
# All tests in two shares side by side: those that need a real Kafka or Redis wait most of their time, the others compute.
# The output of the others follows when the first have ended. Arguments go to both; one share may then be empty.
set -uo pipefail
cd "$(dirname "$0")/.."

NOTHING_CHOSEN=5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

share() { .venv/bin/pytest -m "$1" "${@:2}"; }
fine() { [ "$1" = 0 ] || [ "$1" = $NOTHING_CHOSEN ]; }

set -m # a process group of its own: without one, bash lets it ignore Ctrl-C
share "not services" "$@" >"$folder/computing" 2>&1 &
computing=$!
set +m
trap 'kill -INT -- -$computing 2>/dev/null; wait; exit 130' INT TERM

share services "$@"
first=$?
wait $computing
second=$?
cat "$folder/computing"

if ! fine $first || ! fine $second || [ $first = $second -a $first = $NOTHING_CHOSEN ]; then
  echo "make test: failed (pytest's exit codes: $first with services, $second without)" >&2
  exit 1
fi
