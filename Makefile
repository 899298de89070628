# make run, make test, make lint: everything else is made on the way.

PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= var
# A further package index, such as https://download.pytorch.org/whl/cpu for a machine
# without a GPU: the usual index has only the CUDA build for Linux.
TORCH_INDEX ?=
# For pytest: make test ARGS="-k ledger"
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -c constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
PINS := pyproject.toml constraints.txt

# What a server faces: checks that pass on a laptop only are worth nothing.
PRODUCTION := DEBUG=0 BEHIND_TLS=1 WEB_BIND=0.0.0.0:8000 ALLOWED_HOSTS=api.example.com \
	SECRET_KEY=only-to-check-the-settings-0123456789-abcdefghijklmnopqrstuvwxyz \
	DATABASE_URL=postgresql://nobody@127.0.0.1:1/none

.PHONY: run test lint clean

run: $(VENV)/.run
	@PORT=$(PORT) DATA_DIR=$(abspath $(DATA_DIR)) exec $(BIN)/python manage.py up

# The ledger's tests run on the oldest PostgreSQL that is supported, too.
LEDGER := tests/accounts/metering tests/accounts/models tests/accounts/test_partitions.py

test: $(VENV)/.dev
	$(if $(ARGS),,TEST_POSTGRES=16 $(BIN)/pytest -q -n auto --maxprocesses=4 $(LEDGER))
	$(BIN)/pytest -n auto --maxprocesses=4 $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@# There is no database here, and none is needed to compare models with migrations.
	$(PRODUCTION) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

# Removes what make made; DATA_DIR, which holds your data, stays.
clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# One environment for both: what developers need on top is added, nothing is redone.
$(VENV)/.run: $(VENV)/.made $(PINS)
	$(PIP) -e '.[embedded]'
	@touch $@

$(VENV)/.dev: $(VENV)/.made $(PINS)
	$(PIP) -e '.[embedded,dev]'
	@touch $(VENV)/.run $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, and $(PYTHON) is not that:" >&2; \
		echo "make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@
