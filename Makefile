# make install: a virtual environment with everything locked; make run: a demo server; make test: all tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH := .venv-bench
JOBS ?= 2

.PHONY: install run test nightly lint bench lock clean

install: $(STAMP)

# The stamp holds the hash of the lock file, so that a changed lock is installed and an unchanged one is not.
$(STAMP): requirements/dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --no-index -e .
	touch $(STAMP)

run: install
	$(BIN)/python -m postroom.demo

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/ast-grep scan --error

test: lint
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

# Everything, the long histories and crash loops included.
nightly: install
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m ""

# What is measured has what users have: some libraries load more where the tools of development are installed.
bench: $(BENCH)/.installed
	PYTHONPATH=src $(BENCH)/bin/python -m postroom bench --markdown docs/benchmarks.md

$(BENCH)/.installed: requirements/run.lock
	test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	touch $@

lock: install
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --quiet --output-file requirements/dev.lock
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --quiet --constraint requirements/dev.lock --output-file requirements/run.lock

clean:
	rm -rf $(VENV) $(BENCH) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
