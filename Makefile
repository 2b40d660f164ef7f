# make run | dev | test | test-one T=tests/core | check | soak | bench. The README says more.

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/pytest -q -n 2 --dist worksteal

ON_POSTGRESQL := -m "not browser and not slow" $(addprefix tests/,authorization blueprints bounces invitations \
	members outbox people sending test_races.py)

export FLASK_APP := app.py

.PHONY: run dev test test-one check fast slow postgresql browser soak bench format

run: .venv/runs
	@echo "Preparing the database and starting Invites"
	@$(BIN)/flask migrate
	@$(BIN)/flask serve

# Example data in demo/, restarted when a file changes. Without a mail server emails wait in the
# Mailbox page.
dev: export INVITES_DATA := demo
dev: export INVITES_MAIL_SERVER :=
dev: .venv/develops
	@test -e demo/invites.sqlite3 || $(BIN)/flask demo
	@$(BIN)/flask migrate
	@$(BIN)/flask serve --reload

test: check fast slow postgresql browser

check: .venv/develops
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy --no-error-summary
	$(BIN)/djlint --quiet --lint templates
	@$(BIN)/lint-imports --no-cache > .venv/imports.log || (cat .venv/imports.log; false)

fast: .venv/develops
	$(PYTEST) -m "not browser and not slow"

slow: .venv/develops
	$(PYTEST) -m slow

# Rules and pages once more, on a PostgreSQL server that the tests start.
postgresql: export TEST_DATABASE := postgresql
postgresql: .venv/develops
	@if $(BIN)/python -c 'import sys; from tests.support.postgres import binaries; sys.exit(binaries() is None)'; \
	then echo "$(PYTEST) $(ON_POSTGRESQL)"; $(PYTEST) $(ON_POSTGRESQL); \
	else echo "INCOMPLETE: PostgreSQL isn't installed (apt-get install postgresql), so nothing was tested on it."; fi

browser: .venv/develops
	@.ci/chromium
	$(PYTEST) -m browser

# A file, a folder, or one test with its options: T="tests/core -k token"
test-one: .venv/develops
	@case "$(T)" in *browser*) .ci/chromium ;; esac
	$(BIN)/pytest $(T)

# Rounds, emails and kills: SIZE="1 20000 200"
soak: .venv/develops
	$(BIN)/python -m tests.soak $(SIZE)

bench: .venv/develops
	$(BIN)/python -m bench

format: .venv/develops
	$(BIN)/ruff check --quiet --fix
	$(BIN)/ruff format --quiet

.venv/runs: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Invites needs Python 3.11 or newer; set PYTHON=python3.12 or the like.")'
	@echo "Creating a virtual environment in .venv"
	@$(PYTHON) -m venv .venv
	@echo "Downloading and installing $$(grep -c == requirements.txt) packages: one to three minutes, only this once"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/develops: .venv/runs requirements-dev.txt
	@echo "Installing the tools for development and tests: a few minutes, only this once"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
