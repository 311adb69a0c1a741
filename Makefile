# Everything runs in .venv, which `make demo`, `make test` and the rest set up at first. The plain pip and python lines are in README.md.
PYTHON ?= python3
BIN := .venv/bin
# A CPU build of torch comes first where the environment has no torch; on Linux a plain `pip install torch` brings gigabytes of CUDA.
# --no-deps and --retries 0: where that index can't be reached, one failed look-up is enough, and pip goes on with the usual one.
CPU_TORCH := $(BIN)/python -m pip install --quiet --no-deps --retries 0 --extra-index-url https://download.pytorch.org/whl/cpu torch==2.13.0

.PHONY: help install demo test slow check style docs wheel report base-code
help:  ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

# The folders too: a new file is seen only after installing anew.
.venv/installed: pyproject.toml checkpoints model_cards modeling tokenization $(shell find src/headstart -type d -not -name __pycache__)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -c "import torch" 2>/dev/null || $(CPU_TORCH)
	$(BIN)/python -m pip install --quiet -e ".[dev]" --config-settings editable_mode=strict
	touch $@

install: .venv/installed  ## Set up .venv

demo: install  ## The main job: fine-tune the embedded base on an example skill, compare, save, load, predict
	$(BIN)/python examples/demo.py

test: install  ## The fast tests, in two processes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2

slow: install  ## All tests
	$(BIN)/python -m pytest -q -m "slow or not slow"

check: install  ## Style, types, rooms, and the embedded base's copies of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/copy_base_code.py --check

style: install  ## Put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install  ## Build the documentation, in build/site; mkdocs serve shows it
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --site-dir build/site

wheel: install  ## Build the wheel, install it elsewhere, and run the main job on it
	PYTHON=$(BIN)/python tests/check_wheel.sh

report: install  ## A quick transfer report on the example skills, in build/report
	rm -rf build/report
	$(BIN)/headstart report --skills examples --out build/report --quick

base-code: install  ## Copy the code that travels with a checkpoint to the embedded base
	$(BIN)/python scripts/copy_base_code.py
