# Everything a person does with this repository; the work itself is in scripts/, one purpose each.

# Build folders are shared by all working copies of this project, so that wasmtime is compiled once.
USHER_CACHE := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/usher
CARGO_TARGET_DIR ?= $(USHER_CACHE)/target
USHER_GUESTS_TARGET ?= $(USHER_CACHE)/guests-target
USHER_TOOLS := $(USHER_CACHE)/tools
USHER_GUEST_TOOLCHAIN ?= auto
export CARGO_TARGET_DIR USHER_GUESTS_TARGET USHER_TOOLS USHER_GUEST_TOOLCHAIN
export PATH := $(USHER_TOOLS)/bin:$(PATH)

# What is already made: guests by which toolchain, the binary from which sources, the clients of which lock files.
STAMPS := target/stamps
GUESTS := $(STAMPS)/guests-$(USHER_GUEST_TOOLCHAIN)
CLIENTS := $(STAMPS)/clients
DEV_BINARY := target/debug/usher

sources = $(shell find $(1) \( -name target -o -name built \) -prune -o -type f ! -name '*.wasm' ! -name '*.md' -print)
COMPONENTS := $(shell find functions -name function.toml -exec \
	awk -F'"' '/^component/ { sub("function.toml$$", "", FILENAME); print FILENAME $$2 }' {} +)

.DELETE_ON_ERROR:
.PHONY: help setup guests dev build test lint architecture bench fuzz clean FORCE

help: ## lists these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

setup: ## checks the toolchain and installs what is missing, saying what and why
	@scripts/setup.sh
	@scripts/guest-toolchain.sh >/dev/null

guests: $(GUESTS) ## builds the functions and the test guests for WebAssembly

dev: $(DEV_BINARY) ## builds and runs `usher dev` in the foreground; ARGS='--port 0' passes flags on
	@exec $(DEV_BINARY) dev $(ARGS)

build: $(GUESTS) ## builds the release binary, target/release/usher
	@cargo build --locked --release -p usher
	@$(call link,release)
	@echo "built: target/release/usher"

test: $(GUESTS) $(DEV_BINARY) $(CLIENTS) ## runs every test: host, functions, and the published chat clients
	@scripts/setup-nginx.sh
	@USHER_BIN="$(CURDIR)/$(DEV_BINARY)" scripts/test.sh

lint: $(GUESTS) ## form, clippy, docs, architecture, licences, bans, sources, advisories, shell scripts
	@scripts/setup-lint.sh
	@scripts/lint.sh

architecture: ## runs the architecture test alone, in seconds
	@scripts/architecture.sh

bench: build ## measures against native code, workerd, deepstream and quiet neighbours, and prints the table of docs/performance.md
	@scripts/setup-bench.sh
	USHER_BIN="$(CURDIR)/target/release/usher" USHER_WORKERD="$(USHER_TOOLS)/workerd/node_modules/.bin/workerd" \
		sh -c 'cargo build --locked --release -p usher-tests --bins && "$(CARGO_TARGET_DIR)/release/bench"'

fuzz: ## runs every fuzz target for 20 seconds, if cargo-fuzz and a nightly toolchain are there
	@scripts/fuzz.sh

clean: ## removes what was built in this folder
	rm -rf target tests/clients/node_modules tests/clients/python/.venv tests/benches/deepstream/node_modules tests/guests/built $(COMPONENTS)
	@echo "the build folder that all working copies share stays: $(USHER_CACHE)"

# A hard link, so that another working copy's build leaves it alone; a copy where the folders are on two disks.
link = mkdir -p target/$(1) && { [ "$(CARGO_TARGET_DIR)" -ef target ] || \
	ln -f "$(CARGO_TARGET_DIR)/$(1)/usher" target/$(1)/usher 2>/dev/null || \
	cp "$(CARGO_TARGET_DIR)/$(1)/usher" target/$(1)/usher; }

$(GUESTS): $(call sources,functions tests/guests) scripts/build-guests.sh scripts/guest-toolchain.sh \
		$(if $(filter-out $(wildcard $(COMPONENTS) tests/guests/built),$(COMPONENTS) tests/guests/built),FORCE)
	@scripts/setup.sh
	@scripts/build-guests.sh
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/guests-* && touch $@

$(DEV_BINARY): $(call sources,host vault functions/wit functions/chat-engine/function.toml functions/chat-engine/policy.yaml) Cargo.toml Cargo.lock $(COMPONENTS)
	@cargo build --locked -p usher
	@$(call link,debug) && touch $@

$(COMPONENTS): $(GUESTS) ;

$(CLIENTS): tests/clients/package-lock.json tests/clients/python/requirements.txt \
		$(if $(wildcard tests/clients/node_modules),,FORCE) $(if $(wildcard tests/clients/python/.venv),,FORCE)
	@scripts/setup-clients.sh
	@mkdir -p $(STAMPS) && touch $@

FORCE:
