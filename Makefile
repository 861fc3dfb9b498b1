# Short names; each names the real command. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: api-fuzz bureau-day thirty-days cap guests tutorial calendar deadlines help plugins console console-if-can console-check console-test screenshots build demo test sim hostile fuzz records feeds bench lint jq-reference jq-compare

# The program as the workspace builds it.
HUIYIN = cargo run --quiet --package huiyin --bin huiyin --

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

plugins: ## build the plugins that huiyin carries, into build/plugins
	$(HUIYIN) plugin build plugins/*/* --out build/plugins

console: ## build the web console (host/console), which the program then carries
	scripts/console build

# The same, where Node.js can be had: a program without the console works, too, and says so.
console-if-can:
	@scripts/console build --if-can

console-check: ## types and unit tests of the console
	scripts/console check

console-test: plugins console ## the console in a browser, against a real host: an officer's story, and axe on every page
	cargo build --quiet --bin huiyin
	scripts/console test

screenshots: plugins console ## every page in Chinese and English, at the size of a desk and of a phone
	cargo build --quiet --bin huiyin
	scripts/console screenshots

build: plugins console-if-can ## the program with its plugins and console, for use: target/release/huiyin
	cargo build --release --package huiyin

demo: plugins console-if-can ## a sample bureau, live on this terminal and in the browser (Ctrl-C ends it)
	cargo run --quiet --package huiyin --bin huiyin -- demo

lint: ## formatting, clippy, licences and sources of the dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check licenses bans sources; else echo "cargo-deny is not installed: licences and sources not checked"; fi

# One set of features for all that is built here: the program that builds the plugins is the one that the tests are
# built with. Run by `cargo run` it would be another, and wasmtime with it. Nextest lists tests as it builds them, which
# some can do only once there are plugins; what it runs is what `cargo test` builds.
.PHONY: tests-built
tests-built:
	cargo test --workspace --no-run

test: HUIYIN = $(or $(CARGO_TARGET_DIR),target)/debug/huiyin
test: tests-built plugins lint ## everything that CI checks
	@scripts/console check --if-can
	@if node --version >/dev/null 2>&1; then node --test sdk/js/tests/edge.test.js; else echo "Node.js is not installed: the JavaScript SDK not checked"; fi
	@if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --workspace && cargo test --workspace --doc; else cargo test --workspace; fi

sim: ## simulated hosts: SEEDS=10000, or SEED=7 TRACE=1 for one of them
	cargo run --quiet --package huiyin-simulation -- $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000)) $(if $(TRACE),--trace) $(if $(PLANTED),--planted $(PLANTED))

hostile: plugins ## each hostile plugin stopped, and repeated 10,000 times (docs/reference/hostile.md)
	HUIYIN_HOSTILE_ALL=1 cargo test --package huiyin-hostile

fuzz: plugins ## libFuzzer over what comes from outside: FUZZ_SECONDS=600 for each of TARGETS
	scripts/fuzz $(TARGETS)

records: plugins ## 10,000 values at the doors: what is let in lies in a record that reads (RECORDS=N for as many)
	HUIYIN_RECORDS=$(or $(RECORDS),10000) cargo test --package huiyin-tests --test records -- whatever_a_door

# jq itself, from PyPI, in an environment of its own.
target/jq/bin/python:
	python3 -m venv target/jq && target/jq/bin/pip install --quiet jq==1.13.0

jq-reference: target/jq/bin/python ## the expectations of expressions anew, from jq of PyPI
	target/jq/bin/python plugins/steps/jq/tests/reference/generate.py > target/jq/reference.jsonl
	mv target/jq/reference.jsonl plugins/steps/jq/tests/reference/jq.jsonl

jq-compare: target/jq/bin/python ## other expressions than those that are kept, against jq of PyPI: SEED=7 CASES=20000
	target/jq/bin/python plugins/steps/jq/tests/reference/generate.py $(or $(SEED),7) $(or $(CASES),20000) > target/jq/compare.jsonl
	HUIYIN_JQ_REFERENCE=$(CURDIR)/target/jq/compare.jsonl cargo test --package huiyin-plugin-jq --test reference

guests: build ## a project of each kind and language by `huiyin plugin new`, built and tested; takes from npm and PyPI: LANGUAGES=rust
	scripts/guests target/release/huiyin $(LANGUAGES)

tutorial: build ## the plugin tutorial followed word by word in an empty folder: LANGUAGES="js python" for these, too
	timeout 1800 scripts/tutorial target/release/huiyin $(LANGUAGES)

bureau-day: build ## a day of a bureau entered by the command line, by the officers' guide alone
	scripts/bureau-day target/release/huiyin

thirty-days: build ## thirty days of real titles from source to daily log (../shared/data/weibo-hot)
	target/release/huiyin demo --story weibo

deadlines: ## 100,000 random due times against a walk minute by minute (DEADLINES=N for as many)
	HUIYIN_DEADLINES=$(or $(DEADLINES),100000) cargo test --release --package huiyin-deadline --test model

calendar: ## working days since 2007 against chinesecalendar, taken from PyPI for the time of it
	scripts/calendar

api-fuzz: ## schemathesis (PyPI, in an environment of its own) against the API as its own document describes it: EXAMPLES=100
	cargo build --quiet --workspace --bin huiyin
	scripts/api-fuzz $(or $(CARGO_TARGET_DIR),target)/debug/huiyin

feeds: ## the collector `feed` over feedparser's test feeds, taken from PyPI for the time of it
	scripts/feeds -v

.PHONY: documents
documents: plugins ## the documents of the reporters' cases through LibreOffice, as pictures to look at: target/documents
	cargo build --quiet --package huiyin --bin huiyin
	HUIYIN=$(or $(CARGO_TARGET_DIR),target)/debug/huiyin scripts/documents

cap: ## the alerts of the notifier `cap` against the schema of CAP 1.2, taken from PyPI for the time of it
	scripts/cap

.PHONY: evaluate
evaluate: plugins ## precision, recall and F1 of the classifiers over labelled data, taken from PyPI for the time of it: RUMOURS=DIR for CED
	scripts/evaluate $(if $(RUMOURS),--rumours $(RUMOURS))

bench: plugins ## figures beside their limits (docs/reference/bench.md)
	cargo run --quiet --release --package huiyin --bin huiyin -- bench
