# `make` says what there is. Every target does the set-up it needs; see docs/install.md.
DEMO_S ?= 20
BENCH ?=
FUZZ_S ?= 60
FUZZERS := test/fuzz test/nodes/test_fuzzed_topics.py
PYTEST ?=
UPGRADE ?=
RUN := tools/env run

.DEFAULT_GOAL := help
.PHONY: help setup demo test fuzz bench lint lock lowest clean distclean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## Private environment, packages, messages: whatever is not there yet
	@tools/env setup

demo: ## The whole pipeline for DEMO_S seconds, on simulated devices
	@$(RUN) kpm demo --seconds "$(DEMO_S)"

# One thread each for the numerical libraries: on a busy machine theirs wait for one another.
test: lint ## Checks and all tests; PYTEST="test/align -k late" for some of them
	@$(RUN) env OMP_NUM_THREADS="$${OMP_NUM_THREADS:-1}" sh tools/tests $(PYTEST)

fuzz: ## Damaged files and messages for FUZZ_S seconds a reader or topic (FUZZ_SEED: other ones)
	@$(RUN) env OMP_NUM_THREADS=1 FUZZ_SECONDS="$(FUZZ_S)" pytest --timeout=0 $(FUZZERS) $(PYTEST)

lint: ## Copyright lines, style, types and which room imports which
	@$(RUN) sh -c 'python tools/headers.py --check && ruff check . && ruff format --check . && mypy && lint-imports'

bench: ## Every benchmark, or one with BENCH=name
	@$(RUN) sh tools/bench "$(BENCH)"

lowest: ## Tests with the lowest versions that setup.py allows (needs uv)
	@$(RUN) env OMP_NUM_THREADS=1 python tools/lowest.py $(PYTEST)

lock: ## Pin what requirements/*.in ask for (needs uv); UPGRADE=1 takes the newest of everything
	@$(RUN) python tools/lock.py $(if $(UPGRADE),--upgrade)

clean: ## Remove what was built
	rm -rf build install log .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## ... and the private environment, results included
	rm -rf .venv out dist *.egg-info
