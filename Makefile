# make run      the server with the example journeys; mail is captured in the local inbox
# make test     every test, in two processes (ARGS="-k name" for a few, ARGS="-n 0" for one process)
# make check    format, lint, types, guard tests
# make binary   dist/hogsend, one file
# make wheel, make sbom, make image, make checksums    the other parts of a release
# make audit    known vulnerabilities of the locked libraries, where their database can be reached
# make bench    every performance figure
# make crash    kills a worker a thousand times and checks that nothing is lost or doubled (ARGS="--kills 200 --seed 7")

.DEFAULT_GOAL := run
.PHONY: run test test-binary check binary wheel sbom image checksums audit bench crash screenshots migration migrations-fresh lock browser clean
.DELETE_ON_ERROR:

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
INSTALL := $(PIP) install --require-hashes -r
# One file for each lock that pip has installed, newer than the lock.
READY := .venv/ready

run: $(READY)/run
	@exec $(BIN)/hogsend serve --with-worker

test: $(READY)/test browser
	$(BIN)/pytest -n 2 --dist loadgroup --max-worker-restart 0 --durations=10 $(ARGS)

test-binary: $(READY)/test browser dist/hogsend
	$(BIN)/pytest -m binary $(ARGS)

check: $(READY)/check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/pyright --project tests/pyrightconfig.json
	$(BIN)/pytest -q -m "not binary" tests/guards tests/store/test_migrations.py

binary: dist/hogsend

SOURCES := build.spec compose.yaml requirements/build.lock $(shell find app web migrations journeys -type f -not -name '*.pyc' 2>/dev/null)

dist/hogsend: $(SOURCES) | $(READY)/build
	@command -v objdump >/dev/null || { echo "PyInstaller reads libraries with objdump:" \
	    "install binutils, then run make binary again." >&2; exit 1; }
	$(BIN)/pyinstaller --noconfirm --log-level WARN build.spec
	@ls -lh dist/hogsend

# The wheel, for a machine that has Python: pip install dist/hogsend-*.whl
wheel: $(READY)/run
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .
	@ls -lh dist/*.whl

# What a release contains, with versions and hashes (CycloneDX).
sbom: $(READY)/release
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application \
	    --output-reproducible --of JSON -o dist/hogsend.cdx.json requirements/run.lock
	@ls -lh dist/hogsend.cdx.json

image:
	docker build --tag hogsend .

# Of every file in dist/, to be checked with: sha256sum --check SHA256SUMS
checksums:
	@cd dist && rm -f SHA256SUMS && sha256sum hogsend* > SHA256SUMS && cat SHA256SUMS

bench: $(READY)/bench
	$(BIN)/python benchmarks/run.py $(ARGS)

# Skipped, with a word, where the database of vulnerabilities cannot be reached.
audit: $(READY)/python
	@$(BIN)/python requirements/audit.py --probe; case $$? in \
	    0) $(MAKE) --no-print-directory $(READY)/audit && $(BIN)/python requirements/audit.py ;; \
	    3) ;; \
	    *) exit 1 ;; esac

# Reports are summed in build/crash/, or in the folder that CRASH_REPORTS names.
crash: $(READY)/test
	$(BIN)/python -m tests.promises.crash $(ARGS)

# Screenshots of the dashboard at 1440 and 390 pixels, in screenshots/.
screenshots: $(READY)/test browser
	$(BIN)/pytest tests/browser $(ARGS)

# The difference between the last migration and the models: make migration NAME=add_tags
migration: $(READY)/test
	@test -n "$(NAME)" || { echo "Name the change: make migration NAME=add_tags" >&2; exit 2; }
	@$(BIN)/python -m migrations.make $(NAME)

# Replaces all migrations by one: only before the first release.
migrations-fresh: $(READY)/test
	@$(BIN)/python -m migrations.make

# Everything pinned with its hashes, for Python 3.11 and later on Linux and macOS.
COMPILE = $(BIN)/uv pip compile -q pyproject.toml --universal --fork-strategy fewest \
	--python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group install

lock: $(READY)/run
	@test -x $(BIN)/uv || $(PIP) install uv
	$(COMPILE) -o requirements/run.lock
	$(COMPILE) --group test -o requirements/test.lock
	$(COMPILE) --group test --group check -o requirements/check.lock
	$(COMPILE) --group build -o requirements/build.lock
	$(COMPILE) --group release -o requirements/release.lock
	$(COMPILE) --group audit -c requirements/test.lock -o requirements/audit.lock
	$(COMPILE) --group test --group bench -c requirements/test.lock -o requirements/bench.lock

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis

browser:
	@sh tests/find_browser.sh

# Takes the first Python that is new enough, which need not be the newest.
$(READY)/python:
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    "$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
	        echo "$$python cannot make a virtual environment: install its venv package" \
	            "(Debian and Ubuntu: apt-get install python3-venv), then run make again." >&2; \
	        exit 1; }; \
	    "$$python" -m venv .venv && mkdir -p $(READY) && touch $@; exit $$?; \
	done; \
	echo "Hogsend needs Python 3.11 or newer: install it, or name it with make PYTHON=PATH." >&2; \
	exit 1

$(READY)/run: requirements/run.lock pyproject.toml | $(READY)/python
	@echo "Installing what Hogsend needs into .venv" >&2
	@$(INSTALL) requirements/run.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(READY)/test $(READY)/check $(READY)/build $(READY)/bench $(READY)/release $(READY)/audit: $(READY)/%: requirements/%.lock | $(READY)/run
	@echo "Installing what make $* needs into .venv" >&2
	@$(INSTALL) requirements/$*.lock
	@touch $@
