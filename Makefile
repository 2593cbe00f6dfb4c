# SPDX-License-Identifier: GPL-3.0-or-later
# The two front doors are `make demo` and `make test`; `make help` lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV ?= .venv
# The first interpreter that is Python 3.11 or newer.
PYTHON ?= $(shell for candidate in python3 python3.11 python3.12 python3.13 python3.14; do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$candidate" && break; done)
NODES ?= 5
PROFILE ?= fast
SUITES ?=

export PYTHONPATH := $(CURDIR)/build:$(CURDIR)

.PHONY: help
help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/installed: requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found. Name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

.PHONY: collection
collection: $(VENV)/installed
	@$(VENV)/bin/python tests/collection_tree.py link

.PHONY: demo
demo: collection ## Run the main job on the sandbox and show what it did
	@$(VENV)/bin/python tests/demo/run.py

.PHONY: test
test: collection ## Run all tests, or some: make test SUITES="unit integration"
	@$(VENV)/bin/python tests/run.py $(SUITES)

.PHONY: chaos
chaos: collection ## Run the long form of the chaos suite
	@CHAOS_LONG=1 TEST_TIMEOUT=14400 $(VENV)/bin/python tests/run.py chaos

.PHONY: sandbox
sandbox: collection ## Start the sandbox in the background (NODES=5 PROFILE=fast) and write build/sandbox.env
	@$(VENV)/bin/python -m tests.sandbox start --nodes $(NODES) --profile $(PROFILE)

.PHONY: sandbox-stop
sandbox-stop: $(VENV)/installed ## Stop the sandbox
	@$(VENV)/bin/python -m tests.sandbox stop

.PHONY: format
format: $(VENV)/installed ## Format the Python code
	@$(VENV)/bin/ruff check --fix --quiet . ; $(VENV)/bin/ruff format .

.PHONY: clean
clean: sandbox-stop ## Remove what was built, not the virtual environment
	rm -rf build
