# Two commands matter: `make run` and `make test`. Both work from a fresh clone and touch nothing outside it:
# a pinned uv comes into .boot/ where none is installed, and everything else into .venv/, from hash-checked locks.

# The system's own Python where it will do: distributions tune theirs as they build it (with a profile of what it runs,
# PGO), those that a version manager builds mostly are not, and all that is here takes a tenth to a sixth longer with
# them. PYTHON=... takes another.
HAS_VENV := import venv, ensurepip
IS_NEW := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell own=$$(command -pv python3) && "$$own" -c '$(HAS_VENV); $(IS_NEW)' 2>/dev/null && echo "$$own" || echo python3)
# Two processes more than there are cores: a good part of the tests wait. tests/support/workers.py shares them out.
WORKERS := $(shell echo $$(( $$(nproc 2>/dev/null || echo 2) + 2 )))
PYTEST_ARGS ?= -n $(WORKERS) --dist loadscope --no-loadscope-reorder
ARGS ?=

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

export UV_SYSTEM_CERTS := 1
export UV_PYTHON_DOWNLOADS := never
# Some machines set it; without .pyc files pytest starts seconds later every time.
unexport PYTHONDONTWRITEBYTECODE
# Another environment that happens to be active is not ours to change.
unexport VIRTUAL_ENV

BIN := .venv/bin
UV := $(or $(shell command -v uv 2>/dev/null),.boot/bin/uv)
BOOT := $(if $(filter .boot/%,$(UV)),.boot/.made)
LINT := $(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo
LOCK := $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate $(if $(UPGRADE),--upgrade)
INSTALL_SELF := $(UV) pip install --quiet --python $(BIN)/python --no-deps \
	--build-constraints requirements/build.lock --editable .

.PHONY: help run test drill lint format bench lock clean

help:  ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

run: .venv/.run  ## Start the practice prison on an embedded SQLite (ARGS="--port 9000" to pass options)
	@exec $(BIN)/handover demo $(ARGS)

# Lint and types are looked at beside the tests, and speak when those are done.
test: .venv/.dev  ## Everything: lint, types, floors, and the tests on SQLite and PostgreSQL
	@said=$$(mktemp)
	( $(LINT) ) >"$$said" 2>&1 & lint=$$!
	trap 'kill $$lint 2>/dev/null || true; rm -f "$$said"' EXIT
	tests=0; $(BIN)/pytest $(PYTEST_ARGS) $(ARGS) || tests=$$?
	linted=0; wait $$lint || linted=$$?
	cat "$$said"
	exit $$(( tests ? tests : linted ))

# Minutes, and programs of Debian's that only root can install: so not with every `make test`.
drill: .venv/.dev  ## Kill the leader of a PostgreSQL cluster under load (docs/failover.md), and run the image
	@exec $(BIN)/pytest -q -s -p no:xdist tests/drills $(ARGS)

lint: .venv/.dev  ## ruff, its formatter, mypy and the import floors
	@$(LINT)

format: .venv/.dev  ## Put the code in the house style
	@$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.dev  ## Measure (ARGS=... goes to the benchmarks)
	@exec $(BIN)/python -m benchmarks $(ARGS)

lock: $(BOOT)  ## Write requirements/*.lock anew from pyproject.toml (UPGRADE=1: take the newest of everything)
	@$(LOCK) --output-file requirements/run.lock >/dev/null
	$(LOCK) --group dev --constraints requirements/run.lock --output-file requirements/dev.lock >/dev/null
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		$(if $(UPGRADE),--upgrade) --group build --output-file requirements/build.lock >/dev/null

clean:  ## Remove what make and the tests made; data and databases stay
	@rm -rf .venv .boot .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find src tests migrations benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# ----------------------------------------------------------------------------------- the environment
.boot/.made: requirements/build.lock
	@$(call need_python)
	rm -rf .boot
	$(PYTHON) -m venv .boot
	.boot/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.lock
	touch $@

.venv/bin/python: | $(BOOT)
	@$(call need_python)
	$(UV) venv --quiet --clear --python "$$(command -v $(PYTHON))" .venv

# Running wants the runtime only: a third of the download, and `make run` is the first thing anyone types.
# It adds to the same .venv, so it never takes away what `make test` put there.
.venv/.run: requirements/run.lock requirements/build.lock pyproject.toml | .venv/bin/python
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.lock
	$(INSTALL_SELF)
	touch $@

.venv/.dev: requirements/dev.lock requirements/build.lock pyproject.toml | .venv/bin/python
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.lock
	$(INSTALL_SELF)
	touch $@ .venv/.run

define need_python
if ! command -v $(PYTHON) >/dev/null || ! $(PYTHON) -c '$(HAS_VENV)' 2>/dev/null; then \
	echo "There is no $(PYTHON), or it is without its venv module. Type this, then make again:" >&2; \
	echo "    apt install python3-venv" >&2; \
	echo "Or name another Python: make PYTHON=python3.12" >&2; exit 1; fi; \
if ! $(PYTHON) -c '$(IS_NEW)'; then \
	echo "handover needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12" >&2; exit 1; fi
endef
