# Everything a person types here; `make` alone lists it.
# Set-up uses venv and pip. PIP_ARGS is passed to pip, PORT to the demo's server.
PYTHON ?= python3
PIP_ARGS ?=
PORT ?= 8000

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) --constraint constraints.txt
BOOKTOOLS := PYTHONPATH=course $(BIN)/python -m booktools
LESSONS ?=
TENSORFLOW := .venv-tensorflow
export ORT_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 18

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Textwright needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV): Python packages, once ..."
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --upgrade pip
	@$(INSTALL) --editable ".[server,train]"
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	@echo "Setting up the tools of the tests, once ..."
	@$(INSTALL) --group dev
	@touch $@

setup: $(VENV)/.ready-dev ## Make the virtual environment with everything in it

demo: $(VENV)/.ready ## Train on real movie reviews, then serve the API (PORT=8000)
	@$(BIN)/textwright train movie-reviews --config bow --out runs/demo
	@exec $(BIN)/textwright serve runs/demo --port $(PORT)

test: $(VENV)/.ready-course ## Check style, types and rooms, and run the tests
	@$(MAKE) --no-print-directory lint types
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: $(VENV)/.ready-dev ## Check style, formatting and the import rules of the rooms
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/lint-imports --no-logo

types: $(VENV)/.ready-dev ## Check the types
	@$(BIN)/mypy

bench-leaderboard: $(VENV)/.ready-dev ## Compare every family and recipe over 5 seeds (hours)
	@$(BIN)/python benchmarks/leaderboard.py

bench-auto: $(VENV)/.ready-dev ## Measure what textwright auto finds in 30 minutes on five sources (hours)
	@$(BIN)/python benchmarks/auto.py

bench-speed: $(VENV)/.ready-dev ## Measure prediction speed beside fastText, and start-up
	@$(INSTALL) --group bench
	@$(BIN)/python benchmarks/speed.py

bench-train-time: $(VENV)/.ready-dev ## Measure the time of training to an accuracy, beside fastText
	@$(INSTALL) --group bench
	@$(BIN)/python benchmarks/train_time.py

bench-cascade: $(VENV)/.ready-dev ## Measure cascades of a fast family and int8 bert over 3 seeds (hours)
	@$(BIN)/python benchmarks/cascade.py

bench-optimize: $(VENV)/.ready-dev ## Measure what optimizing gains over 3 seeds, beside Optimum
	@test -d .venv-rivals/optimum || { $(PYTHON) -m venv .venv-rivals/optimum && .venv-rivals/optimum/bin/python -m pip \
	  install --quiet $(PIP_ARGS) --requirement benchmarks/rivals/optimum.txt; }
	@$(BIN)/python benchmarks/optimize.py

bench-hidden-instructions: $(VENV)/.ready-dev ## Measure what optimize chooses on lesser processors, whose instructions are hidden
	@$(BIN)/python benchmarks/hidden_instructions.py

bench-unpadding: $(VENV)/.ready-dev ## Measure graphs with and without work for padding, and rules of batching
	@$(BIN)/python benchmarks/unpadding.py

bench-batch-invariance: $(VENV)/.ready-dev ## Measure how far predictions change with the other texts of a batch
	@$(BIN)/python benchmarks/batch_invariance.py

bench-memory: $(VENV)/.ready-dev ## Measure the memory of training on 1,000,000 and 20,000,000 rows
	@$(BIN)/python benchmarks/memory.py

bench-data: $(VENV)/.ready-dev ## Measure checking and splitting a file of 1,000,000 rows
	@$(BIN)/python benchmarks/data_check.py

bench-explain: $(VENV)/.ready-dev ## Measure faithfulness and cost of explanations
	@$(BIN)/python benchmarks/explain.py

bench-abstention: $(VENV)/.ready-dev ## Measure whether models that abstain keep the error rate asked for
	@$(BIN)/python benchmarks/abstention.py

bench-distill: $(VENV)/.ready-dev ## Measure distillation and pruning over 3 seeds (hours)
	@$(BIN)/python benchmarks/distill.py

bench-few-labels: $(VENV)/.ready-dev ## Measure frozen-bert, static-bert and SetFit on 8 to 64 texts a label (hours)
	@test -d .venv-rivals/setfit || { $(PYTHON) -m venv .venv-rivals/setfit && .venv-rivals/setfit/bin/python -m pip \
	  install --quiet $(PIP_ARGS) --requirement benchmarks/rivals/battery_setfit.txt; }
	@$(BIN)/python benchmarks/few_labels.py

bench-battery: $(VENV)/.ready-dev ## Measure every family's defaults on some 30 labeled files, beside others (hours)
	@for rival in setfit fasttext; do \
	  test -d .venv-rivals/$$rival || { $(PYTHON) -m venv .venv-rivals/$$rival && .venv-rivals/$$rival/bin/python -m pip \
	    install --quiet $(PIP_ARGS) --requirement benchmarks/rivals/battery_$$rival.txt; } || exit 1; done
	@$(BIN)/python benchmarks/battery.py
	@$(BIN)/python benchmarks/battery.py --held
	@$(BIN)/python benchmarks/battery_figure.py

bench-serving: $(VENV)/.ready-dev ## Measure the server beside others, each in an environment of its own (needs wrk)
	@for rival in litserve bentoml infinity; do \
	  test -d .venv-rivals/$$rival || { $(PYTHON) -m venv .venv-rivals/$$rival && .venv-rivals/$$rival/bin/python -m pip \
	    install --quiet $(PIP_ARGS) --requirement benchmarks/serving/rivals/$$rival.txt; } || exit 1; done
	@$(BIN)/python benchmarks/serving/side_by_side.py
	@$(BIN)/python benchmarks/serving/bow.py
	@$(BIN)/python benchmarks/serving/draw.py

bench-serving-matrix: $(VENV)/.ready-dev ## Measure engines, layers and cascades behind HTTP beside FastAPI + pipeline (needs wrk)
	@$(BIN)/python benchmarks/serving/matrix.py
	@$(BIN)/python benchmarks/serving/draw.py --matrix

bench-soak: $(VENV)/.ready-dev ## Ask runs/bench-serving twice what it can answer, for 10 minutes
	@$(BIN)/python benchmarks/serving/soak.py runs/bench-serving

bench-cold-start: $(VENV)/.ready-dev ## Measure init of an int8 MiniLM's Lambda zip beside its floor (needs Python 3.12)
	@$(BIN)/python benchmarks/cold_start.py

bench-bulk: $(VENV)/.ready-dev ## Measure bulk scoring: beside pandas, its memory over 10,000,000 rows
	@$(BIN)/python benchmarks/bulk.py

$(VENV)/.ready-course: $(VENV)/.ready-dev
	@echo "Setting up the tools of the course, once ..."
	@$(INSTALL) --group course
	@touch $@

course-setup: $(VENV)/.ready-course ## Make the virtual environment with what the lessons need, and fetch their assets
	@$(BIN)/textwright assets fetch --quiet

$(TENSORFLOW)/.ready: pyproject.toml constraints.txt $(VENV)/.ready-course
	@echo "Setting up $(TENSORFLOW): TensorFlow, 1.6 GB, once ..."
	@$(PYTHON) -m venv $(TENSORFLOW)
	@$(subst $(VENV),$(TENSORFLOW),$(INSTALL)) --upgrade pip
	@$(subst $(VENV),$(TENSORFLOW),$(INSTALL)) --editable ".[aws,server,train]" --group tensorflow
	@$(TENSORFLOW)/bin/python -m ipykernel install --prefix $(VENV) --name tensorflow >/dev/null
	@touch $@

course-tensorflow: $(TENSORFLOW)/.ready ## Make the environment of the lessons that use TensorFlow (1.6 GB)

course-models: course-setup ## Train what takes minutes, ELMo to a voice, into the cache (over an hour of one core, once)
	@PYTHONPATH=course $(BIN)/python -m nano.pretrained

course-smoke: course-setup ## Execute all lessons in small, offline (LESSONS="0 17" chooses)
	@$(BOOKTOOLS) execute --profile smoke $(LESSONS)

course-full: course-setup ## Execute the lessons as printed; write course/results (LESSONS="0 17" chooses)
	@$(BOOKTOOLS) execute --profile full $(LESSONS)

course-notebooks: $(VENV)/.ready-course ## Write the notebooks for Colab from the lessons
	@$(BOOKTOOLS) notebooks

course: $(VENV)/.ready-course ## Build the site, executed lessons and reference, into course/_build/html
	@$(BOOKTOOLS) site

course-slides: $(VENV)/.ready-course ## Build the slides from executed lessons into course/_build/html/slides
	@$(BOOKTOOLS) slides

docs: $(VENV)/.ready-course ## Build the reference without the course into course/_build/html
	@$(BOOKTOOLS) reference

release: ## Build wheel and sdist, check them on each Python found, tag the commit (DRY_RUN=1: no tag)
	@.ci/release $(if $(DRY_RUN),--dry-run)

clean: ## Remove the virtual environment and the runs
	rm -rf $(VENV) runs
