# Every target works from a fresh clone: `setup` comes first and is quick when nothing changed.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: help setup lint fast check test demo bench docs lock clean

BIN := .venv/bin
# Seconds after which the demo stops by itself; empty = until Ctrl-C.
SECONDS ?=
# More arguments for pytest, e.g. make test ARGS="-k store -x".
ARGS ?=

help:
	@echo "make setup          .venv with the command segue and the development tools"
	@echo "make check          ruff, format, mypy --strict, import contracts, fast tests; some minutes"
	@echo "make test           everything, on a real Kafka and a real Redis"
	@echo "make demo           the whole thing at work; make demo SECONDS=30 stops by itself"
	@echo "make bench          CPU per play, latency and memory on real services; writes docs/benchmarks.md"
	@echo "make docs           write the generated documents anew"
	@echo "make lock           resolve the packages anew (requirements.lock)"

setup:
	@tools/setup.sh

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fast: setup
	$(BIN)/pytest -q -m "not services and not slow" $(ARGS)

# Two at a time: mypy from an empty cache takes as long as the fast tests.
check: setup
	@$(MAKE) --no-print-directory -j 2 -O lint fast

test: lint
	@tools/test.sh $(ARGS)

demo: setup
	@$(BIN)/segue demo $(if $(SECONDS),--seconds $(SECONDS))

bench: setup
	$(BIN)/segue bench all

docs: setup
	@for module in infra.keys infra.metrics infra.settings_doc streams.schemas; do $(BIN)/python -m $$module; done
	$(BIN)/python -m streams.schemas

lock: setup
	@tools/lock.sh

clean:
	rm -rf .venv .segue build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
