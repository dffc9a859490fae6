# Everything that this project does, as commands. `make help` lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
DATA ?=
PROTOCOL ?=
ARGS ?=
CUDA ?=
REPORT_ARGS = $(if $(DATA),--data "$(DATA)") $(if $(PROTOCOL),-p protocol $(PROTOCOL)) $(ARGS)

# What a user's shell adds to every Python would run in place of what is installed here.
unexport PYTHONPATH PYTHONHOME

# Its own programs name the place where an environment was made. One that was moved or copied would
# run another checkout's code, half of one (Debian's without python3-venv) has no pip: it is made anew.
WHOLE := $(shell head -n 2 $(BIN)/pip 2>/dev/null | grep -qF '$(CURDIR)/$(BIN)/python' && $(BIN)/python -c 'import pip' 2>/dev/null && echo yes)

.DEFAULT_GOAL := help
.PHONY: help env bench-env report site study test test-trainings test-programs test-notebooks test-library bench soak audit lint format records readme notebooks stored constraints

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/' | expand -t 14
	@echo
	@echo 'make report DATA=/path/to/adience                      the report on real faces'
	@echo 'make report DATA=... ARGS="-p epochs 3 -p faces 1000"  with notebook parameters'
	@echo 'make env CUDA=1                                         with what an NVIDIA card needs'

# Not compiled: Python compiles what is imported, which is a small part, when it first is.
env: .venv/installed $(if $(CUDA),.venv/cuda-installed)  ## make .venv/ with the pinned versions; CUDA=1: for an NVIDIA card

ifeq ($(WHOLE),)
.PHONY: .venv/installed
endif
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo 'error: needs Python 3.11, 3.12 or 3.13; say which: make env PYTHON=/path/to/python3.11'; exit 1; }
	@$(if $(WHOLE),,test ! -L .venv -o ! -e .venv/pyvenv.cfg || { echo 'error: .venv is a link to an environment that was made elsewhere; remove the link'; exit 1; })
	$(if $(WHOLE),,$(PYTHON) -m venv --clear .venv)
	$(BIN)/python -m pip install --quiet --no-compile --upgrade --constraint constraints.txt pip hatchling editables
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --no-build-isolation --editable '.[dev]'
	@touch $@

.venv/cuda-installed: .venv/installed
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --no-build-isolation --editable '.[dev,cuda]'
	@touch $@

bench-env: .venv/bench-installed  ## PyTorch and JAX beside it: the benchmark's peers, other backends

.venv/bench-installed: .venv/installed
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --no-build-isolation --editable '.[dev,bench]'
	@touch $@

report: env  ## run the five notebooks and make report/index.html (the demo unless DATA is given)
	@$(BIN)/python -m adience_lib report $(REPORT_ARGS)

site: env  ## report/index.html out of the notebooks as they are stored: nothing is run
	@$(BIN)/python -m adience_lib.report.site

study: env  ## the trainings on real faces: days; make study DATA=/path/to/utkface
	@$(BIN)/python -m adience_lib study $(REPORT_ARGS)

test: env lint  ## everything that checks the project
	@$(MAKE) --no-print-directory --keep-going --jobs 2 test-trainings test-programs test-library test-notebooks

# The five alone: copies of them may lie beside.
NOTEBOOKS := $(addprefix notebooks/,01_data_exploration.ipynb 02_reduced_models.ipynb 03_multitask.ipynb 04_transfer_learning.ipynb 05_results.ipynb)

# Two of these run at a time, and the longest begin, so that neither core waits long for the other.
TRAININGS := $(addprefix tests/,experiments runs test_training.py)
PROGRAMS := $(addprefix tests/,test_backends.py benchmarks/test_benchmarks.py deploy/test_export.py report/test_execution.py)

test-trainings: env
	@$(BIN)/python -m pytest $(TRAININGS)

test-programs: env
	@$(BIN)/python -m pytest $(PROGRAMS)

test-notebooks: env
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	ADIENCE_SMOKE=1 ADIENCE_RUNS="$$scratch/runs" ADIENCE_FIGURES="$$scratch/figures" \
	$(BIN)/python -m pytest --nbval-lax --nbval-current-env $(NOTEBOOKS)

test-library: env
	@$(BIN)/python -m pytest --doctest-modules adience_lib tests $(addprefix --ignore=,$(TRAININGS) $(PROGRAMS))

bench: bench-env  ## how fast this machine trains, and how fast it could; figures/bench.csv and .png
	@$(BIN)/python -m benchmarks $(ARGS)

soak: env  ## faults at random moments and bad input at random, for half an hour
	$(BIN)/python -m pytest -m 'soak or fuzz' --hypothesis-profile soak tests

audit: env  ## look the pinned packages up among known vulnerabilities (needs the internet)
	$(BIN)/python -m pip_audit --requirement constraints.txt --no-deps --disable-pip --strict

lint: env  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: env  ## bring the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

records: env  ## draw all tables and figures of figures/utkface/ out of its records
	@$(BIN)/python -m adience_lib records

readme: env  ## write the README's tables and numbers anew, out of figures/
	@$(BIN)/python -m docs.generated

notebooks: env  ## bring the notebooks in step with their paired scripts, which are edited
	$(BIN)/jupytext --quiet --update --to ipynb notebooks/*.py

stored: notebooks  ## run the demo and keep its outputs in the notebooks
	@$(BIN)/python -m adience_lib report --store

constraints: bench-env  ## write down the versions that are installed now
	$(BIN)/python -m pip freeze --all --exclude-editable | sed s/+cpu// > constraints.txt
