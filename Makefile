# make run    serves the app on port 8501
# make demo   serves it in a laboratory that stands in for the clouds and OpenAI, to try all without an account
# make test   checks style and types, and runs all tests, those in a real browser too
# All install what they need and leave alone what is there already.
PYTHON ?= python3.11
PORT ?= 8501
BIN := .venv/bin
RUNTIME := .venv/.installed-runtime
TOOLS := .venv/.installed-tools
AXE := node_modules/axe-core/package.json

.PHONY: run demo test tools browser programs driver clean

run: $(RUNTIME)
	$(BIN)/streamlit run app.py --server.port $(PORT)

demo: $(TOOLS)
	$(BIN)/python -m tests.lab.demo --port $(PORT)

test:
	@$(MAKE) --no-print-directory -j4 tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 3 --dist loadfile

# What a fresh clone lacks is installed side by side: most of that is waiting for one thing after the other.
tools: $(TOOLS) $(AXE) browser programs driver
	@:

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is missing. Install it, for example: apt-get install python3.11 python3.11-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

$(RUNTIME): requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -r requirements.txt
	touch $@

$(TOOLS): requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -r requirements-dev.txt
	touch $@ $(RUNTIME)

programs: | $(BIN)/python
	@$(BIN)/python -m tests.lab.programs

# The browser and npm come from the system, because a downloaded browser would lack the system's libraries.
browser:
	@command -v chromium >/dev/null || ./.ci/install-package chromium
# The tests behind a proxy are skipped where it is missing.
	@PATH="$$PATH:/usr/sbin"; command -v nginx >/dev/null || ./.ci/install-package nginx || true

# After the browser, because only one of them may ask the system for a package at a time.
$(AXE): package.json | browser
	@command -v npm >/dev/null || ./.ci/install-package npm
	npm install --no-save --no-package-lock --no-audit --no-fund --silent
	touch $@

# What drives the browser brings a Node.js of its own, which needs a library that comes with compilers elsewhere.
driver: $(TOOLS) $(AXE)
	@$(BIN)/playwright --version >/dev/null 2>&1 || ./.ci/install-package libatomic1

clean:
	rm -rf .venv .venv-lab node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
