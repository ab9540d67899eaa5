# One command each: make demo, make test. Needs Python 3.11 with venv, Node 20 with npm, and the package registries.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
WEB := api/web
DEMO_PLAN := build/demo-plan
DEMO_PORT ?= 8000
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1

.PHONY: help setup web lint check test demo bench clean
.DELETE_ON_ERROR:

help: ## say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.installed ## make .venv from the lock

.venv/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python found; Wangge needs Python 3.11 or newer"; exit 1; }
	@"$(PYTHON)" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: $(PYTHON) is too old or has no venv; Wangge needs Python 3.11 or newer with venv"; exit 1; }
	@echo "setup: installing the locked Python packages into .venv (some minutes, once)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@$(BIN)/python -m pip install -q --require-hashes --no-deps -r requirements.lock 2> .venv/install.log || \
		{ cat .venv/install.log; exit 1; }
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e . 2>> .venv/install.log || \
		{ cat .venv/install.log; exit 1; }
	@touch $@

web: $(WEB)/dist/.built ## build the map page

$(WEB)/node_modules/.installed: $(WEB)/package.json $(WEB)/package-lock.json
	@command -v npm > /dev/null || { echo "make: no npm found; the map page needs Node 20 with npm"; exit 1; }
	@echo "web: installing the locked npm packages"
	@cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB)/dist/.built: $(WEB)/node_modules/.installed $(shell find $(WEB)/src $(WEB)/*.html $(WEB)/*.ts $(WEB)/*.json -type f 2> /dev/null)
	@echo "web: building the map page"
	@cd $(WEB) && npm run --silent build
	@touch $@

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

check: lint ## ruff, mypy and the architecture test
	@$(BIN)/pytest -q tests/test_architecture.py tests/test_public_api.py

# Kernels are compiled when first used and kept; two test workers, and the servers they start, would each compile these.
.venv/.compiled: .venv/.installed $(wildcard spatial/division/*.py spatial/walking/*.py)
	@echo "setup: compiling the kernels of division and walking (a minute or two, once)"
	@$(BIN)/wangge plan data/sample --out .venv/first-plan > .venv/first-plan.log 2>&1 || { cat .venv/first-plan.log; exit 1; }
	@touch $@

# mypy and the compiler take a core each.
test: setup web ## all checks and tests
	@$(MAKE) --no-print-directory -j 2 lint .venv/.compiled
	@$(BIN)/pytest -n 2 --dist loadfile

demo: setup web ## divide the sample district, walk it, site centres, serve the map
	@echo "demo: planning the sample district in data/sample (a district made by Wangge's own generator)"
	@$(BIN)/wangge plan data/sample --out $(DEMO_PLAN)
	@echo "demo: serving the plan; stop with Ctrl-C"
	@$(BIN)/wangge serve $(DEMO_PLAN) --port $(DEMO_PORT)

bench: setup ## print the time of each stage, and ratios against peers
	@for file in tests/bench/bench_*.py; do echo "== $$file"; $(BIN)/python -m $$(echo $${file%.py} | tr / .) || exit 1; done

clean: ## remove what make has made
	rm -rf .venv build $(WEB)/dist $(WEB)/node_modules
