# The verbs of this repository. `make` alone lists them.
PYTHON := $(shell for python in python3.11 python3 python3.12 python3.13; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

up: .venv/local.stamp ## start the whole system on http://localhost:8080; Ctrl-C stops it, data stays
	@exec .venv/bin/python -m local.up

ps: ## a line per process of the running system
	@[ -x .venv/bin/python ] || { echo "Nothing runs: there is no .venv yet" >&2; exit 1; }
	@exec .venv/bin/python -m local.ps

down: ## stop the system, also one that was started in another terminal
	@[ ! -x .venv/bin/python ] || exec .venv/bin/python -m local.down

test: .venv/dev.stamp ## every suite, with PostgreSQL, RabbitMQ, nginx and a browser; ARGS="task_service -k keyset" some
	@exec .venv/bin/python -m local.test $(ARGS)

test-faults: .venv/dev.stamp ## break everything, one by one, and print what was lost; ARGS="-k broker" some of it
	@.venv/bin/python -m local.test faults $(ARGS)
	@[ -n "$(ARGS)" ] || exec .venv/bin/python -m local.test system -m long

soak: .venv/dev.stamp ## break something else every few seconds under load; SECONDS=600 SEED=7
	@exec .venv/bin/python -m tests.faults.soak "$(or $(SECONDS),600)" "$(SEED)"

lint: .venv/dev.stamp ## style, types, import rules, contracts, migrations, deployment checks, OpenAPI
	@exec .venv/bin/python -m local.lint

contracts: .venv/local.stamp ## write docs/contracts/: JSON Schemas and AsyncAPI of the events; refuses what breaks somebody
	@exec .venv/bin/python -m local.contracts

format: .venv/dev.stamp ## let ruff lay out the code
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

bench: .venv/local.stamp .venv/bench.stamp ## measure against the peer, see benchmarks/README.md
	@exec .venv/bin/python -m benchmarks.run

bench-events: .venv/local.stamp .venv/bench.stamp ## measure events from commit to commit, beside raw pika
	@exec .venv/bin/python -m benchmarks.events

.venv/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "Tandem needs Python 3.11 or newer as python3.11 or python3" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing: on Debian, apt-get install python3-venv" >&2; exit 1; }

.venv/local.stamp: requirements/local.txt
.venv/dev.stamp: requirements/dev.txt
.venv/bench.stamp: benchmarks/requirements.txt
.venv/local.stamp .venv/dev.stamp .venv/bench.stamp: | .venv/bin/python
	@echo "Installing $< into .venv …"
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.PHONY: help up ps down test test-faults soak lint contracts format bench bench-events
