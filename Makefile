PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
export NUMBA_CACHE_DIR ?= $(CURDIR)/.numba_cache
export MPLCONFIGDIR ?= $(CURDIR)/.numba_cache/matplotlib
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: install run test check coverage bench ui clean

install: $(VENV)/.installed
run: install
	$(BIN)/harbor run --config harbor.toml

test: check
	$(BIN)/pytest --durations=10 $(or $(PYTEST),-n auto --dist worksteal)

check: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.installed-test
	$(BIN)/python -m tests.benches $(if $(BENCH),--bench $(BENCH)) $(if $(DATA),--data $(DATA))

coverage: $(VENV)/.installed-test
	$(BIN)/coverage run -m pytest $(PYTEST)
	$(BIN)/coverage report

ui: install
	$(BIN)/harbor ui $(if $(PORT),--port $(PORT))

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .numba_cache dist build

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@
