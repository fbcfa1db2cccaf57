# Two commands matter: `make run` and `make test`. Both make their own environment; they need Python 3.11+ and make.
# Honoured: PORT, HOST, DATA_DIR, DATABASE_URL, CLIENT_RATE, API_RATE (see docs/operations.md).

SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
# Everything comes as a wheel with a known hash; the Voucherify client exists as source only.
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes \
	--only-binary=:all: --no-binary=voucherify
TEST_DATA := $(if $(DATA_DIR),$(DATA_DIR),.data-test)
SOURCES := config customers tracking segments vouchers tests manage.py $(wildcard bench)

.DEFAULT_GOAL := help
.PHONY: help run test check format lint types layers migrations-check unit bench lock clean-environment

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (looked for python3 and python3.11 to 3.14)."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv module is incomplete; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/run.stamp: requirements/run.txt | $(BIN)/python
	@echo "Installing what is needed to run (once, about 15 seconds)"
	@$(INSTALL) -r requirements/run.txt
	@touch $@

$(VENV)/test.stamp: requirements/test.txt | $(BIN)/python
	@echo "Installing what is needed to test (once, about a minute)"
	@$(INSTALL) -r requirements/test.txt
	@touch $@ $(VENV)/run.stamp

run: $(VENV)/run.stamp ## start everything; Ctrl-C stops everything
	@exec $(BIN)/python -m config.launcher

test: check unit ## all that CI runs

check: format lint types layers migrations-check

format: $(VENV)/test.stamp
	@$(BIN)/ruff format --check $(SOURCES)

lint: $(VENV)/test.stamp
	@$(BIN)/ruff check $(SOURCES)

types: $(VENV)/test.stamp
	@DATA_DIR=$(TEST_DATA) $(BIN)/mypy

layers: $(VENV)/test.stamp
	@$(BIN)/lint-imports

migrations-check: $(VENV)/test.stamp
	@DATA_DIR=$(TEST_DATA) $(BIN)/python manage.py makemigrations --check --dry-run

unit: $(VENV)/test.stamp
	@DATA_DIR=$(TEST_DATA) $(BIN)/python -m pytest -n 2 --dist loadfile -m "not alone"
	@DATA_DIR=$(TEST_DATA) $(BIN)/python -m pytest -m alone

fix: $(VENV)/test.stamp ## format, and repair what the linter can repair
	@$(BIN)/ruff check --fix $(SOURCES); $(BIN)/ruff format $(SOURCES)

bench: $(VENV)/test.stamp ## measure against yardsticks in the same run (bench/README.md)
	@$(BIN)/python -m bench

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--no-header --quiet
lock: $(BIN)/python ## lock the requirements anew from pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(LOCK) pyproject.toml -o requirements/run.txt
	@$(LOCK) --extra test pyproject.toml -o requirements/test.txt

clean-environment: ## forget the environment, not the data
	@rm -rf $(VENV)
