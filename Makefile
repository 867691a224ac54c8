# make demo: see it work (seconds to install, no torch).  make docs, make test, make lint, make lint-web: what CI runs.
# make dist, make sbom: what is published (docs/release.md).
PYTHON ?= python3
BIN := .venv/bin
# Percent of the lines and branches of src that tests must run in their own process (90.7 at the time, with subprocesses 94.2).
COVERED := 88

.PHONY: demo docs test lint lint-web format clean dist sbom

demo: .venv/.run
	$(BIN)/veilseg demo -o demo

# The site, in site/. NO_MKDOCS_2_WARNING: an advertisement for another generator.
docs: .venv/.dev
	$(BIN)/python tools/site.py build/pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# A file of tests stays with one worker: some of its tests read what others wrote. What hangs is stopped, shown
# and tried once more; what is wrong fails at once.
ONCE_MORE := --reruns 1 --only-rerun 'from pytest-timeout'
test: .venv/.dev
	$(BIN)/pytest $(ONCE_MORE) -n 2 --dist loadfile --ignore tests/cluster --cov --cov-report= --cov-fail-under=$(COVERED)
	$(BIN)/pytest $(ONCE_MORE) -W default tests/cluster  # Ray warns of its own

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

lint-web: node_modules/.package-lock.json
	npm run --silent lint

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Two builds of a commit are equal to the byte: what they take for the time is the commit's.
dist: .venv/.dev
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m build --no-isolation -o dist

# What is installed with '.[serve]', with versions and licences, as CycloneDX.
sbom: .venv/.dev
	rm -rf dist/run
	$(BIN)/python -m venv --without-pip dist/run
	$(BIN)/python -m pip --python dist/run/bin/python install -q '.[serve]'
	$(BIN)/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml -o dist/veilseg.cdx.json \
	  dist/run/bin/python
	rm -rf dist/run

clean:
	rm -rf .venv build demo dist node_modules site

.venv/bin/python:
	$(PYTHON) -m venv .venv

# Each stamp stands for an installed set of dependencies; -e so that the commands run this checkout.
.venv/.run: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q -e '.[run]'
	touch $@

.venv/.dev: pyproject.toml .ci/peers.txt | .venv/bin/python
	$(BIN)/python -m pip install -q -e '.[dev]'
	$(BIN)/python -m pip install -q --no-deps -r .ci/peers.txt
	touch $@

node_modules/.package-lock.json: package.json package-lock.json
	npm ci
	touch $@
