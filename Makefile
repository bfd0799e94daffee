# The targets; `make help` lists them. Each installs what it needs and this machine lacks, and works as the first one.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build demo test prop-deep api-kills model simulate chaos fuzz sanitize bench bench-check lint
.PHONY: static install uninstall deb deb-check

MODE ?= poll
DURATION ?= 10
SEEDS ?= 1000000
PROP_SEQUENCES ?= 50000
API_KILLS ?= 200
export MODE DURATION

CHAOS_MINUTES ?= 4
# Both modes, unless one is asked for.
CHAOS_MODE := $(if $(filter file,$(origin MODE)),poll wal,$(MODE))

# All tests at once would starve those that wait for a process or a socket; older toolchains do not know it.
SIDE_BY_SIDE ?= $(shell echo $$(( 4 * $$(nproc) )))

PREFIX ?= /usr/local
DESTDIR ?=
export PREFIX DESTDIR

RELEASE := .build/release
STATIC := .build/static/release
FORMATTED := Package.swift Sources Tests
SCRIPTS := Tests/Scripts

## help: what the targets are
help:
	@sed -n -E 's/^## ([a-z-]+): (.*)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

## build: release build: .build/release/outbox-relay and .build/release/ledger
build:
	@$(SCRIPTS)/prerequisites build
	swift build -c release

## static: the binaries that are installed and packed, with the Swift runtime linked in: .build/static/release
static:
	@$(SCRIPTS)/prerequisites build
	@$(SCRIPTS)/static-build

## install: binaries, units, migrations, manual page and completions (PREFIX=/usr/local, DESTDIR=…); after static without a toolchain
install: static
	@$(SCRIPTS)/install $(STATIC)

## uninstall: remove what install installed (PREFIX=/usr/local, DESTDIR=…)
uninstall:
	@$(SCRIPTS)/install --uninstall

## deb: a Debian package, in .build
deb: static
	@$(SCRIPTS)/prerequisites deb
	@$(SCRIPTS)/deb $(STATIC)

## deb-check: lintian on the package, and its life under a systemd that is booted for it; as root
deb-check: static
	@$(SCRIPTS)/prerequisites deb-check
	@package=$$($(SCRIPTS)/deb $(STATIC)) && lintian --fail-on error "$$package" && $(SCRIPTS)/deb-check "$$package"

## demo: a private server, transfers through the ledger, the relay draining them here, to a file and a webhook (MODE=poll|wal, DURATION=10)
demo:
	@$(SCRIPTS)/prerequisites server
	swift build -c release
	@$(SCRIPTS)/demo $(RELEASE)

## test: every test, those against a real PostgreSQL included (SOAK=long for long soaks)
test:
	@$(SCRIPTS)/prerequisites test
	swift build --explicit-target-dependency-import-check error
	SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(SIDE_BY_SIDE) swift test

## prop-deep: random sequences of steps through the ledger, each compared with a model (PROP_SEQUENCES=50000, PROP_SEED=1)
prop-deep:
	@$(SCRIPTS)/prerequisites test
	PROP_SEQUENCES=$(PROP_SEQUENCES) swift test --filter LedgerTests.PropertyTests

## api-kills: kill the ledger's API under load, end its sessions, restart its server (API_KILLS=200)
api-kills:
	@$(SCRIPTS)/prerequisites test
	API_KILLS=$(API_KILLS) swift test --filter LedgerTests.KillTests

## model: explore the states of the deciding part exhaustively
model:
	@$(SCRIPTS)/prerequisites build
	swift run -c release relay-model
	swift run -c release ledger-model

## simulate: run the whole relay in simulated worlds, one a seed, on all cores (SEEDS=1000000)
simulate:
	@$(SCRIPTS)/prerequisites build
	swift build -c release --product relay-simulation
	@$(RELEASE)/relay-simulation --seeds $(SEEDS) --jobs $$(nproc)

## chaos: break relays, server, network and sinks at random, and audit what came of it (CHAOS_MINUTES=4, SEED=… again)
chaos:
	@$(SCRIPTS)/prerequisites server
	swift build -c release
	@$(RELEASE)/relay-chaos run $(foreach mode,$(CHAOS_MODE),--mode $(mode)) \
	  --seconds $$(( $(CHAOS_MINUTES) * 60 / $(words $(CHAOS_MODE)) )) $(if $(SEED),--seed $(SEED))

## fuzz: give what reads what others wrote any bytes, by coverage (FUZZ_SECONDS=60 for each target)
fuzz:
	@$(SCRIPTS)/prerequisites build
	@$(SCRIPTS)/fuzz

## sanitize: the tests under the address and the thread sanitizer (FILTER=… for some of them)
sanitize:
	@$(SCRIPTS)/prerequisites test
	@$(SCRIPTS)/sanitize

## bench: the benchmarks, as ratios against references of the same run
bench:
	@$(SCRIPTS)/prerequisites bench
	swift build -c release
	@for part in webhook relay latency memory hold standing steady drain live ledger; do $(RELEASE)/relay-bench $$part || exit 1; done

## bench-check: instructions an event costs in the pure parts, against their limits
bench-check:
	@$(SCRIPTS)/prerequisites count
	swift build -c release --product relay-counts
	@$(SCRIPTS)/bench-check $(RELEASE)

## lint: formatting and static checks
lint:
	@$(SCRIPTS)/prerequisites build
	swift format lint --strict --parallel --recursive --configuration .swift-format $(FORMATTED)
	@for script in $(SCRIPTS)/* .ci/run; do bash -n $$script || exit 1; done
	@! grep -rnE 'try!|fatalError\(|\.unsafelyUnwrapped' Sources --include='*.swift' \
	  || { echo 'lint: the lines above end the process where an error should be thrown.' >&2; exit 1; }
	@! git grep -nIE '[[:blank:]]+$$' -- . ':!LICENSE' ':!Tests/FuzzCorpus' \
	  || { echo 'lint: the lines above end in blanks.' >&2; exit 1; }
	@! grep -rn 'trusting:' Sources --include='*.swift' | grep -vE '^Sources/(Migrations/MigrationRunner|Libpq/SQLText)\.swift:' \
	  || { echo 'lint: the lines above make a statement of text that may hold a value; bind it.' >&2; exit 1; }
