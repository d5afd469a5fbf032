# Everything runs in .venv, which `make setup` brings up to date; PYTHON chooses another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

LOWEST := .venv-lowest

.PHONY: setup run test test-failed test-host-apps test-lowest check check-python check-javascript fuzz docs widget node_modules pictures bench clean

setup: $(VENV)/.setup

$(VENV)/.setup: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[redis,slack,s3,postgresql,mysql,gevent,geoip2,discord]' --group dev
	touch $@

$(VENV)/.bench: $(VENV)/.setup
	$(BIN)/python -m pip install --quiet --group bench
	touch $@

run: setup
	SHOP_DEMO_AI=$${SHOP_DEMO_AI-1} $(BIN)/python -m example_app

# Four tests at once on two cores, since many wait for a clock or a browser. Each worker begins with a quarter of the
# files, so that it makes what the tests of a file share only once, and helps the others at the end. COVERAGE=1 prints
# the coverage, too.
WORKERS ?= 4
COVERAGE ?=

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --ignore=tests/host_apps --durations=10 $(if $(SELECT),-m '$(SELECT)') $(if $(COVERAGE),--cov --cov-report=term:skip-covered)

# What failed in the last run, one test after the other.
test-failed: setup
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures=none --ignore=tests/host_apps

# Apps as people write them, with their own tests and the chat in them. What they need lives in the one environment.
test-host-apps: setup
	$(BIN)/python -m pytest -n $(WORKERS) tests/host_apps

# A short suite on the oldest versions that are allowed: those of tests/lowest.txt.
test-lowest: $(LOWEST)/.setup
	$(LOWEST)/bin/python -m pytest -n $(WORKERS) -k 'not postgresql and not mariadb' $(LOWEST_TESTS)

LOWEST_TESTS := tests/test_smoke.py tests/test_models.py tests/targets/test_webhooks.py tests/web/visitor/test_user_agents.py \
	tests/web/backoffice/test_api.py tests/web/visitor/test_connect.py tests/web/streams/test_back_office.py tests/web/streams/test_visitor.py

$(LOWEST)/.setup: pyproject.toml tests/lowest.txt
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(LOWEST)/bin/python -m pip install --quiet --constraint tests/lowest.txt --editable '.[redis]' --group lowest
	touch $@

check: check-python check-javascript

check-python: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

check-javascript: node_modules
	npm run --silent check

# Cases made from the OpenAPI document, sent to a server on each of these databases.
CASES ?= 2000
DATABASES ?= sqlite

fuzz: setup
	$(BIN)/python -m tests.fuzz --cases $(CASES) $(DATABASES:%=--database %)

docs: setup
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

# The one script that pages load, bundled from the modules of the widget.
widget: node_modules
	npm run --silent widget

node_modules: setup
	$(BIN)/python -m tests.support.node

pictures: setup
	POCKETPING_TEST_PICTURES=1 $(BIN)/python -m pytest tests/browser/test_pictures.py

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(LOWEST) build dist docs/_build node_modules .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
