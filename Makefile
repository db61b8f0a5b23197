# Everything a fresh machine needs: Python 3.11 or newer, git and make.
#   make demo      set up, then the whole main job on synthetic animals
#   make test      set up, then lint, types, import contracts and tests
# Variables: VENV, PYTHON, TORCH=cpu|default, SERVE=0|1, PYTEST_ARGS, DEMO_DIR

SHELL := /bin/sh
VENV ?= .venv
TORCH ?= cpu
SERVE ?= 1
DEMO_DIR ?= demo
PYTEST_ARGS ?=

BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up-$(TORCH)

# One thread each: two-thread torch on a busy machine burns many times the work.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
  NUMEXPR_NUM_THREADS=1

.PHONY: help setup test test-full lint demo docs reference screenshots hooks clean

help:
	@sed -n '1,5s/^# \{0,1\}//p' Makefile

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt tools/setup.sh
	VENV="$(VENV)" TORCH="$(TORCH)" PYTHON="$(PYTHON)" sh tools/setup.sh
	@touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: lint
	$(ONE_THREAD) sh tools/with_display.sh $(BIN)/python -m pytest $(PYTEST_ARGS)

test-full: lint
	$(ONE_THREAD) sh tools/with_display.sh $(BIN)/python -m pytest -m "slow or not slow" $(PYTEST_ARGS)

# Ends by serving the dashboard, where this version has one; SERVE=0 returns instead.
demo: setup
	$(BIN)/neuroembed demo "$(DEMO_DIR)"
ifneq ($(SERVE),0)
	@if $(BIN)/neuroembed dashboard --help >/dev/null 2>&1; then \
	  $(BIN)/neuroembed dashboard "$(DEMO_DIR)"; \
	else \
	  echo "This version has no dashboard; the results are in $(DEMO_DIR)."; \
	fi
endif

reference: setup
	$(BIN)/python tools/generate_reference.py

docs: reference
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

# Of napari, on the demo's project (make demo SERVE=0 first), for the documentation.
screenshots: setup
	sh tools/with_display.sh $(BIN)/python tools/screenshots.py "$(DEMO_DIR)"

hooks: setup
	$(BIN)/pre-commit install

clean:
	rm -rf "$(VENV)" build dist docs/_build .mypy_cache .ruff_cache .pytest_cache
	rm -rf .hypothesis .import_linter_cache src/*.egg-info
