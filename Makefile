# Everything sets itself up: `make demo`, `make test`, `make docs`. Needs Python 3.11+ with venv, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint docs clean
demo: $(STAMP)
	$(BIN)/bringup run -i inventories/mock.yaml; code=$$?; echo "exit $$code"; test $$code -eq 1

test: $(STAMP) lint
	$(BIN)/pytest -n auto --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# docs/checks.md and docs/faults.md are written from the checks.
docs: $(STAMP)
	$(BIN)/bringup checks docs --out docs

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip
	$(BIN)/python -m pip install -q -e . --group dev
	touch $@

clean:
	rm -rf $(VENV) dist build runs .pytest_cache .mypy_cache .ruff_cache
