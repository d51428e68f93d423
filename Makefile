# medfake: `make` lists what can be done. Everything runs in .venv; nothing is installed outside this folder.
PYTHON ?= python3
BIN := .venv/bin
# where it is set, as in many containers, every process compiles TensorFlow and the rest anew: half a minute each
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format lock bench clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install medfake and its hash-locked dependencies into .venv
	@$(PYTHON) scripts/environment.py

demo: ## everything, offline, on the built-in phantom: dvc repro, promote, scan an unseen scan
	@$(PYTHON) scripts/demo.py

# a worker a core: processes that a test starts for all cores would import everything first and then share them
test: export LOKY_MAX_CPU_COUNT := 1
test: setup ## run the tests; `CI=true make test` runs the slow ones too: servers, browsers, whole pipelines
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(if $(CI),,-m "not slow")

lint: setup ## ruff, mypy, import-linter, codespell
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell

format: setup ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: setup ## write both lock files anew from pyproject.toml, and their versions into pyproject.toml as lowest ones
	@$(BIN)/uv pip compile pyproject.toml --extra dev --extra serve --extra dask --extra postgres --extra team --extra pacs --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade --quiet -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra serve --extra team --constraints requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet -o requirements-server.lock
	@$(BIN)/python scripts/bounds.py

bench: setup ## run the benchmarks, or one: make bench NAME=scan
	@$(BIN)/python -m benchmarks $(NAME)

clean: ## remove what `make demo` made (data, models, reports, runs); keeps .venv
	rm -rf data models repeated stacked reports dvc_plots mlartifacts mlflow.db mlflow.db-* .dvc/cache .dvc/tmp dvc.lock \
	  .medfake/dvc-site-cache .medfake/tune .medfake/interrupted
