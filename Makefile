# Everything a newcomer needs; `make help` lists it. PYTHON may be any Python from 3.11.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORES ?= 2
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.bench-ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-scale test-faults test-slurm test-bench rehearsal plan bench lint format base-model clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## build the environment in .venv

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[development,slurm]'
	@touch $@

# What the library is compared with, which nothing else needs.
$(BENCH_READY): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

demo: $(READY) ## run the whole method on the demo's corpus, into results/demo/
	$(BIN)/snakemake --cores $(CORES)
	@echo
	@cat results/demo/tables/table1.md
	@echo 'Report:  results/demo/report.html'
	@echo 'Tables:  results/demo/tables/    Figures: results/demo/figures/'
	@echo 'Claims:  results/demo/claims.md  Adapters and translations: results/demo/settings/'

# A file's tests stay in one process, because they share a finished workflow. The longest files come first, so that
# no process works alone at the end.
test: $(READY) ## run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(CORES) --dist loadfile --no-loadscope-reorder \
		tests/workflow tests/unit

test-scale: $(READY) ## run the tests of the paper-scale workflow (minutes more)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m scale --numprocesses $(CORES) --dist loadfile

test-faults: $(READY) ## run the tests of kills and of a full disk (minutes more; mounting needs root)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m faults --numprocesses $(CORES) --dist loadfile

test-slurm: $(READY) ## run the workflow on a real SLURM, which is installed (as root) and started for it
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slurm --numprocesses $(CORES) --dist loadfile

test-bench: $(BENCH_READY) ## run every comparison of `make bench` very small, to test the bench itself
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m bench

rehearsal: $(READY) ## run all of config/lang12.yaml with a tiny model (FLORES101_DEVTEST: the text; ROWS, EPOCHS, RUN)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m rehearsal

plan: $(READY) ## print what CONFIG (config/lang12.yaml) will cost, before anything is downloaded
	$(BIN)/snakemake --cores 1 plan --configfile $(or $(CONFIG),config/lang12.yaml)

bench: $(BENCH_READY) ## time the library beside its peers, into results/bench/ (OPTIONS: see bench/run.py --help)
	$(BIN)/python bench/run.py $(OPTIONS)

lint: $(READY) ## check style and workflow
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

format: $(READY) ## format all code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile rules
	$(BIN)/python -m lslo.reporting.config_reference config/README.md

base-model: $(READY) ## pretrain the demo's base model from scratch and put it into resources/
	$(BIN)/snakemake --cores $(CORES) base_model
	install -D -m 644 -t resources/embedded_base_model results/demo/base_model/*

clean: ## remove results and logs, but not .venv
	rm -rf results logs benchmarks .snakemake
