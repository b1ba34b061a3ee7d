# Everything here needs Python 3.11 or newer, git and make, and nothing else. `make try` first.
VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
            $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: try test lint bench clean help

help:  ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/  -/'

try: $(VENV)/.installed  ## install, run the suite on holdfast and on a real supervisord, say where the report is
	$(BIN)/crashrig peers install supervisord || echo "supervisord could not be installed: its cells will be skipped" >&2
	$(BIN)/crashrig run --subject simulated --subject holdfast --beside supervisord

test: $(VENV)/.installed-test  ## install, run every test
	$(BIN)/python -m crashrig peers install supervisord || echo "supervisord could not be installed: its tests will be skipped" >&2
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-test  ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/.installed  ## the benchmarks; figures, not tests
	for bench in benchmarks/*.py; do $(BIN)/python $$bench || exit 1; done

clean:  ## remove what make and the tests made
	rm -rf $(VENV) .tox .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer is needed and was not found; say PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	@touch $@ $(VENV)/.installed
