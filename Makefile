# Short names; each names the real command. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help plugins build demo test sim hostile fuzz records bench lint

# The program as the workspace builds it.
HUIYIN = cargo run --quiet --package huiyin --bin huiyin --

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

plugins: ## build the plugins that huiyin carries, into build/plugins
	$(HUIYIN) plugin build plugins/*/* --out build/plugins

build: plugins ## the program with its plugins, for use: target/release/huiyin
	cargo build --release --package huiyin

demo: plugins ## a sample bureau, live on this terminal (Ctrl-C ends it)
	cargo run --quiet --package huiyin --bin huiyin -- demo

lint: ## formatting, clippy, licences and sources of the dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check licenses bans sources; else echo "cargo-deny is not installed: licences and sources not checked"; fi

# One set of features for all that is built here: without `--package` it is the workspace's.
test: HUIYIN = cargo run --quiet --bin huiyin --
test: plugins lint ## everything that CI checks
	@if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --workspace && cargo test --workspace --doc; else cargo test --workspace; fi

sim: ## simulated hosts: SEEDS=10000, or SEED=7 TRACE=1 for one of them
	cargo run --quiet --package huiyin-simulation -- $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000)) $(if $(TRACE),--trace) $(if $(PLANTED),--planted $(PLANTED))

hostile: plugins ## each hostile plugin stopped, and repeated 10,000 times (docs/reference/hostile.md)
	HUIYIN_HOSTILE_ALL=1 cargo test --package huiyin-hostile

fuzz: plugins ## libFuzzer over what comes from outside: FUZZ_SECONDS=600 for each of TARGETS
	scripts/fuzz $(TARGETS)

records: plugins ## 10,000 values at the doors: what is let in lies in a record that reads (RECORDS=N for as many)
	HUIYIN_RECORDS=$(or $(RECORDS),10000) cargo test --package huiyin-tests --test records -- whatever_a_door

bench: plugins ## figures beside their limits (docs/reference/bench.md)
	cargo run --quiet --release --package huiyin --bin huiyin -- bench
