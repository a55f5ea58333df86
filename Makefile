# Every target sets up what it needs in .venv; a fresh machine needs Python 3.11+ with venv, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_DISABLE_TELEMETRY = 1

.PHONY: demo test check bench notebooks clean

demo: $(VENV)/.installed
	$(BIN)/xalign probe --out out/demo

test: check
	XALIGN_CACHE=$$(mktemp -d) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q tests
	XALIGN_CACHE=$$(mktemp -d) $(BIN)/python -m pytest -q -o addopts= --nbmake --nbmake-timeout=300 notebooks
	$(BIN)/python tests/wheel_outside_checkout.py

check: $(VENV)/.tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.benched
	$(BIN)/python -m benchmarks

notebooks: $(VENV)/.tested
	$(BIN)/jupyter execute --inplace notebooks/*.ipynb

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[test]"
	touch $@

$(VENV)/.benched: $(VENV)/.tested
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[bench]"
	touch $@

clean:
	rm -rf $(VENV) build dist out
