# make demo     installs the core into .venv and replays the demo
# make test     installs what the tests need, then lint, types, import rules and tests
BIN := .venv/bin

.PHONY: help demo test compiled lint format laws bench docs clean

help:
	@echo "make demo | test | lint | format | laws | bench [NAME=...] | docs | clean"

demo:
	@.ci/setup
	@$(BIN)/onetape backtest demo

# Compiled ahead by as many processes as cores: the tests would each compile what the others compile. Beside lint, for
# the type checker keeps one core busy.
test:
	@.ci/setup test
	@$(MAKE) --no-print-directory -j2 lint compiled
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

compiled:
	@.ci/setup test
	$(BIN)/onetape compile

lint:
	@.ci/setup test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format:
	@.ci/setup test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The property tests with twenty times the examples.
laws:
	@.ci/setup test
	$(BIN)/python -m pytest --hypothesis-profile=laws

bench:
	@.ci/setup test
	$(BIN)/python -m tests.bench $(NAME)

# The site, in site/, with a page per feature.
docs:
	@.ci/setup docs
	$(BIN)/python -m engine.report.feature_docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

clean:
	rm -rf .venv site build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info
