# Short names for a few plain commands. What needs the virtual environment makes it first, when it is missing or stale.
# `make test ARGS="tests/unit -x"` hands arguments on to pytest; TUNER_DATA names a folder with the larger data sets.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed-for
ARGS :=

.PHONY: help install sweep test test-all check bench catalogue ui clean
.DEFAULT_GOAL := help

help:
	@echo "make install    .venv with everything in it (some 6 GB, a few minutes)"
	@echo "make sweep      tune a real network on real data, and say where the report lies"
	@echo "make test       the tests, in minutes"
	@echo "make test-all   the slow drills on top of them: kills, nodes, servers, browsers"
	@echo "make check      ruff, mypy, import contracts"
	@echo "make bench      the benchmarks with short settings, beside their peers (benchmarks/README.md); fails at its end if one did"
	@echo "                make bench BENCHMARKS=\"divergence doomed\" runs these alone; TUNER_DATA=DIR where tables are replayed"
	@echo "make catalogue  every row of the catalogue against its baseline, into docs/catalogue.md: half an hour of CPU time; needs TUNER_DATA"
	@echo "                make catalogue ROWS=\"line housing\" runs these alone"
	@echo "make ui         the MLflow UI on this folder's store"
	@echo "make clean      remove .venv, caches and builds; runs/ and mlflow.db stay"

# The stamp holds the folder it was made for: a checkout that moved has a stale environment.
ifneq ($(CURDIR),$(shell cat $(STAMP) 2>/dev/null))
.PHONY: $(STAMP)
endif

$(STAMP): pyproject.toml constraints.txt
	@set -e; \
	for python in $(PYTHON) python3.11 python3 python3.12 python3.13; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; \
	done; \
	if [ -z "$$python" ]; then echo "no Python 3.11 or later found: make install PYTHON=path/to/python3.11" >&2; exit 2; fi; \
	if [ "$$(cat $(STAMP) 2>/dev/null)" != "$(CURDIR)" ]; then \
	  echo "making $(VENV) with $$("$$python" --version): some 6 GB, a few minutes the first time" >&2; \
	  "$$python" -m venv --clear $(VENV); \
	else echo "bringing $(VENV) up to date" >&2; fi; \
	began=$$(date +%s); \
	$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'; \
	echo "installed in $$(( $$(date +%s) - began )) s" >&2; \
	printf '%s' "$(CURDIR)" > $(STAMP)

install: $(STAMP)

sweep: $(STAMP)
	@$(BIN)/tuner run digits_mlp

test: $(STAMP)
	@$(BIN)/pytest -m "not slow" $(ARGS)

test-all: $(STAMP)
	@$(BIN)/pytest -m slow --timeout 900 $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# What measures, with settings for minutes; benchmarks/README.md says what each does and what the whole of it takes.
BENCHMARKS := diagnosis diagnose_command divergence doomed warm_start throughput suggest_times next_space search_replay finalists overhead nightly scale tracking
NEEDS_DATA := doomed warm_start search_replay
SETTINGS_diagnose_command := 1000
SETTINGS_divergence := --seeds 2
SETTINGS_warm_start := --seeds 1 --tasks 1 --epochs 150
SETTINGS_throughput := --models mlp --batches 32 --epochs 5 --repeats 3
SETTINGS_suggest_times := --searchers default --trials 10 1000
SETTINGS_next_space := --tasks low good --seeds 1
SETTINGS_search_replay := --workers 1 --seeds 1 --methods random,default,optuna-tpe --processes 1 --minutes 2
SETTINGS_finalists := --replays 20
SETTINGS_overhead := --rounds 1 --only digits
SETTINGS_nightly := --years 2 --histories 20 --rates 100
SETTINGS_tracking := --trials 20 --stores sqlite
SETTINGS_scale := --slots 2 --trials 6 --sides tuner ray --rounds 1 --controller-trials 1000 --controller-slots 100

LEFT_OUT := $(if $(TUNER_DATA),,$(filter $(NEEDS_DATA),$(BENCHMARKS)))

bench: $(STAMP)
	@$(if $(LEFT_OUT),echo "left out because TUNER_DATA names no folder of tables: $(LEFT_OUT)" >&2;) failed=; \
	$(foreach name,$(filter-out $(LEFT_OUT),$(BENCHMARKS)), \
	  echo "== benchmarks/$(name).py $(SETTINGS_$(name))" >&2; \
	  $(BIN)/python benchmarks/$(name).py $(SETTINGS_$(name)) || failed="$$failed $(name)"; \
	) if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

ROWS :=

catalogue: $(STAMP)
	@$(BIN)/python benchmarks/catalogue.py $(ROWS)

ui: $(STAMP)
	@$(BIN)/tuner ui

clean:
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
