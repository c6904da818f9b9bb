# Two commands do everything on a fresh machine with Python 3.11:  make run, make test
# `make test` is for every change, `make test-all` adds what takes long.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: run test test-all lint bench demo screenshots lists

run: $(READY)
	$(BIN)/streamlit run app.py

test: $(READY)
	$(BIN)/python -m pytest -m "not slow" --numprocesses 2 --dist loadfile --no-loadscope-reorder

# A file at a time on each of three processes: clusters, killed processes and real browsers take
# long, and wait for most of it, so that three fill two cores.
test-all: test
	$(BIN)/python -m pytest -m slow --numprocesses 3 --dist loadfile

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(READY)
	for script in $(filter-out benchmarks/gpu.py,$(wildcard benchmarks/*.py)); do PYTHONPATH=. $(BIN)/python $$script || exit 1; done

demo: $(READY)
	$(BIN)/python -m unlearn_core demo

screenshots: $(READY)
	$(BIN)/python docs/take_screenshots.py

# the README's table of methods and the list that ships with the demo, from the registries
lists: $(READY)
	UNLEARN_PLUGINS= $(BIN)/python -m unlearn_core list methods --into README.md
	UNLEARN_PLUGINS= $(BIN)/python -m unlearn_core demo --keep-runs --out cache/demo

$(READY): requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.txt
	# compiles once what every later start would wait for
	$(BIN)/python -c "from unlearn_core.projection import compile_once; compile_once()"
	touch $(READY)
