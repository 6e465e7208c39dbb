# make install: a virtual environment with everything locked; make run: a demo server; make test: all tests.
# Distributions build their Python with profiles, by which all takes a tenth to a fifth less time than with others.
PYTHON ?= $(shell for python in /usr/bin/python3 python3; do \
  $$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && exit; \
  done; echo python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH := .venv-bench
# Workers of the tests: one more than there are processors, since with as many a quarter of the time was waited.
JOBS ?= $(shell expr 1 + $$(getconf _NPROCESSORS_ONLN))
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest
LINT := lint-types lint-style lint-format lint-imports lint-patterns

.PHONY: install run test nightly lint $(LINT) compiled-tests bench client lock clean

install: $(STAMP)

# The stamp holds the hash of the lock file, so that a changed lock is installed and an unchanged one is not.
$(STAMP): requirements/dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --no-index -e .
	touch $(STAMP)

# What checks the web client; where there is no npm, the tests say what they leave out.
ifneq ($(shell command -v npm),)
install: node_modules/.package-lock.json
endif

node_modules/.package-lock.json: package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

run: install
	$(BIN)/python -m postroom.demo

# One beside the other: the type checker alone takes longer than all the rest.
lint: install
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(LINT)

lint-types:
	$(BIN)/mypy

lint-style:
	$(BIN)/ruff check .

lint-format:
	$(BIN)/ruff format --check .

lint-imports:
	$(BIN)/lint-imports

lint-patterns:
	$(BIN)/ast-grep scan --error

# Compiled once, beside what is checked before; else each worker compiles all tests when it starts.
compiled-tests:
	$(PYTEST) --collect-only --quiet --numprocesses 0 >/dev/null

test: install
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(LINT) compiled-tests
	$(PYTEST) --numprocesses $(JOBS) --dist worksteal

# Everything, the long histories and crash loops included.
nightly: install
	$(PYTEST) --numprocesses $(JOBS) --dist worksteal -m ""

# What is measured has what users have: some libraries load more where the tools of development are installed.
bench: $(BENCH)/.installed
	PYTHONPATH=src $(BENCH)/bin/python -m postroom bench --markdown docs/benchmarks.md

$(BENCH)/.installed: requirements/run.lock
	test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	touch $@

# The client library, from the OpenAPI document; a test says when it is due.
client: install
	$(BIN)/python tools/make_client.py

lock: install
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra telemetry --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --quiet --output-file requirements/dev.lock
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --quiet --constraint requirements/dev.lock --output-file requirements/run.lock

clean:
	rm -rf $(VENV) $(BENCH) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache node_modules
