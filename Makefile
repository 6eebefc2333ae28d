# `make` lists the targets. Everything a target needs is installed or named by scripts/setup and scripts/services.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# The steps share one target folder, and each takes the whole machine.
.NOTPARALLEL:
.PHONY: help run dist web web-bundle web-types web-test web-e2e test fmt clippy doc build tests doctests openapi openapi-check spectral schemathesis deploy-check docs docs-check demo bench audit fuzz setup clean-run

target := $(or $(CARGO_TARGET_DIR),target)
replyx := $(target)/debug/replyx
step := @scripts/step
# What `replyx --version` tells; with `-dirty` when files were changed since.
commit = $(shell git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null)
# Where `scripts/setup model` puts the embedding model, and where the tests and the demo look for it.
export MODEL_DIR ?= $(CURDIR)/data/models

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

run: ## Build the release binary and run the demo
	@scripts/setup build
	@scripts/setup model || echo "without the embedding model, search goes by words alone" >&2
	$(step) "release build" env REPLYX_COMMIT=$(commit) cargo build --release --locked -p replyx-server
	@$(target)/release/replyx demo

dist: ## Build the binary that is shipped: small, without the demo; with manual pages and completions
	@scripts/setup build
	$(step) "dist build" env REPLYX_COMMIT=$(commit) cargo build --profile dist --locked -p replyx-server --no-default-features
	@$(target)/dist/replyx man $(target)/dist/man
	@mkdir -p $(target)/dist/completions
	@for shell in bash zsh fish; do $(target)/dist/replyx completions $$shell >$(target)/dist/completions/replyx.$$shell; done

test: setup fmt clippy doc tests doctests openapi-check spectral schemathesis web deploy-check docs docs-check demo ## Everything that must hold; what CI runs

setup:
	$(step) "setup" scripts/setup test

fmt: ## Formatting
	$(step) "fmt" cargo fmt --all --check

clippy: ## Lints; every warning is an error
	$(step) "clippy" cargo clippy --workspace --all-targets --locked -- -D warnings

doc: ## Documentation; every warning is an error
	$(step) "doc" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# The same units as the tests, so that nothing is compiled twice; the binary is one of them.
build:
	$(step) "build" cargo nextest run --workspace --locked --no-run

tests: build ## All tests on SQLite and in process, and on private PostgreSQL and Redis
	$(step) "tests" scripts/services run cargo nextest run --workspace --locked

doctests: ## Examples in the documentation
	$(step) "doctests" cargo test --doc --workspace --locked --quiet

openapi: build ## Write openapi.json anew
	@$(replyx) openapi > openapi.json

openapi-check: build ## openapi.json is what the program says
	$(step) "openapi" diff -u openapi.json <($(replyx) openapi)

spectral: ## openapi.json keeps the rules of tools/.spectral.yaml
	@scripts/setup api
	$(step) "spectral" tools/node_modules/.bin/spectral lint --quiet --fail-severity hint \
		--ruleset tools/.spectral.yaml openapi.json

schemathesis: build ## The program answers as openapi.json says, whatever it is asked
	@scripts/setup api
	$(step) "schemathesis" scripts/api-check $(replyx)

deploy-check: build ## The files of deploy/ are right by the programs that read them
	@scripts/setup deploy
	$(step) "deploy-check" env PATH="$$PATH:/usr/sbin:/sbin" .run/venv/bin/python tools/deploy_check.py $(replyx)

docs: build ## Build the documentation site, target/book, and check its links, contents and sentences
	@scripts/setup docs
	$(step) "docs" python3 -B tools/book $(replyx) .run/mdbook/bin/mdbook

docs-check: build ## The commands of the documentation run, against a program with a folder of its own
	@scripts/setup docs
	$(step) "docs-check" python3 -B tools/commands.py $(replyx)

web: web-test web-e2e ## The console: types, tests, sizes, the committed bundle, and scenarios in Chromium

web-types:
	@scripts/setup web
	@scripts/console types

web-test: web-types
	$(step) "web types" scripts/console check
	$(step) "web tests" scripts/console test
	$(step) "web build" scripts/console build
	$(step) "web sizes" scripts/console sizes
	$(step) "web bundle" scripts/console same

web-e2e: build web-types
	$(step) "web scenarios" scripts/console scenarios $(replyx)

web-bundle: web-types ## Renew web/console.bundle from web/console
	@scripts/console build
	@scripts/console pack

demo: build ## The demo, once, with a verdict
	$(step) "demo" $(replyx) demo --once

bench: ## Measure (BENCH_LONG=1: also large assistants); the method and the results are in docs/benchmarks.md
	@scripts/setup build
	@scripts/setup model
	$(step) "bench" scripts/services run --durable cargo bench --locked -p replyx-server -p replyx-knowledge \
		-p replyx-llm -p replyx-e5 --bench answers --bench requests --bench streams --bench ingest --bench search \
		--bench embed --bench kernels

fuzz: ## Feed every parser with damaged files, each for FUZZ_SECONDS (20)
	@scripts/setup fuzz
	$(step) "fuzz" scripts/fuzz

audit: ## Licences, bans and sources of the dependencies
	@scripts/setup audit
	$(step) "audit" cargo deny --locked check licenses bans sources

clean-run: ## Stop the PostgreSQL and Redis that scripts/services left running; ./data stays
	@scripts/services stop
