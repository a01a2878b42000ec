# Two commands set up everything on a fresh machine: `make demo` and `make test`.
# Paths are relative, so the folder's name may hold blanks. PYTHON chooses the interpreter (>= 3.11).
SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
PYTHON ?= $(shell sh scripts/find-python)

.PHONY: demo audit kafka stories test test-real test-long long check lint types imports docs-check fixtures samples docs bench calibration clean

demo: $(VENV)/core
	@$(PY) -m shadowdiff demo

test: $(VENV)/dev
	@$(PY) -m pytest -q -rs -n auto --maxprocesses 4 $(PYTEST_ARGS) -m "not real and not long"

test-real: $(VENV)/dev $(VENV)/mitm/bin/mitmdump kafka stories
	@$(PY) -m pytest -q -rs $(PYTEST_ARGS) -m real

test-long: $(VENV)/dev kafka
	@SHADOWDIFF_SCALE=short $(PY) -m pytest -q -rs $(PYTEST_ARGS) -m long

long: $(VENV)/dev
	@SHADOWDIFF_SCALE=full $(PY) -m pytest -q -rs $(PYTEST_ARGS) -m long

check: lint types imports docs-check

lint: $(VENV)/dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: $(VENV)/dev
	@$(PY) -m mypy

imports: $(VENV)/dev
	@$(VENV)/bin/python -c "from importlinter.cli import lint_imports_command as c; c()" --no-logo

docs-check: $(VENV)/dev
	@$(PY) docs/make.py --check

docs: $(VENV)/dev
	@$(PY) docs/make.py

fixtures: $(VENV)/core
	@$(PY) fixtures/make.py

samples: $(VENV)/core
	@$(PY) reports/make.py

bench: $(VENV)/dev
	@$(PY) bench/pair_cost.py
	@$(PY) bench/schedule.py
	@$(PY) -m bench.faults.run

calibration: $(VENV)/dev
	@$(PY) bench/calibration.py

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/made:
	@sh scripts/make-venv "$(PYTHON)" $(VENV)
	@touch $@

$(VENV)/core: $(VENV)/made pyproject.toml
	@$(PY) -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/dev: $(VENV)/made pyproject.toml
	@$(PY) -m pip install -q --disable-pip-version-check -e ".[dev]"
	@touch $@ $(VENV)/core

# known vulnerabilities of what users get, and build/sbom.json
audit: $(VENV)/audit/made
	@$(VENV)/audit/bin/python scripts/audit $(VENV)/plain/bin/python $(VENV)/audit/bin/python

$(VENV)/audit/made: $(VENV)/made pyproject.toml
	@sh scripts/make-venv "$(PYTHON)" $(VENV)/audit
	@sh scripts/make-venv "$(PYTHON)" $(VENV)/plain
	@$(VENV)/audit/bin/python -m pip install -q --disable-pip-version-check pip-audit cyclonedx-bom
	@$(VENV)/plain/bin/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

# the broker of the tests; without Java and Maven they skip, saying so
kafka: $(VENV)/made
	@if command -v mvn >/dev/null && command -v java >/dev/null; then sh scripts/get-kafka $(VENV)/kafka; fi

# the products of the stories (stories/README.md)
stories: $(VENV)/dev
	@PYTHON="$(PYTHON)" sh scripts/get-stories $(VENV)

# mitmproxy pins libraries of its own, so it gets an environment of its own
$(VENV)/mitm/bin/mitmdump: $(VENV)/made
	@sh scripts/make-venv "$(PYTHON)" $(VENV)/mitm
	@$(VENV)/mitm/bin/python -m pip install -q --disable-pip-version-check mitmproxy
	@touch $@
