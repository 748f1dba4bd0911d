# SPDX-License-Identifier: Apache-2.0
#
# A thin front of Meson. The programs come to build/.
#
#     make help

BUILD = build
PYTHON = python3
IPV = 4
FUZZ_SECONDS = 60

export IPV

.PHONY: all deps programs demo check bench fuzz fuzz-coverage constant-flow \
	foreign nightly lint pins spec-report api-docs install uninstall clean \
	help
.NOTPARALLEL:

all: programs ## install what is missing, build (the default)

deps: ## install the missing Debian packages, as root or by sudo
	@sh build-aux/deps.sh

programs: deps $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja: | deps
	meson setup $(BUILD)

demo: programs ## one protected call, shown and proven; IPV=6 for IPv6
	$(PYTHON) lab/demo.py

check: deps ## all tests, under 20 minutes
	$(PYTHON) tests/check.py

bench: programs ## what the KMS costs, as ratios
	$(PYTHON) bench/bench.py

fuzz: deps build-fuzz/build.ninja ## each target for FUZZ_SECONDS=60
	ninja -C build-fuzz
	$(PYTHON) fuzz/run.py build-fuzz --seconds $(FUZZ_SECONDS)

build-fuzz/build.ninja: | deps
	CC=clang meson setup build-fuzz -Dfuzz=true -Db_lundef=false \
		-Dc_args=-fsanitize=fuzzer-no-link \
		-Db_sanitize=address,undefined

fuzz-coverage: deps build-cover/build.ninja ## what the corpora reach of mikey/
	ninja -C build-cover fuzz/cover
	$(PYTHON) fuzz/coverage.py build-cover

build-cover/build.ninja: | deps
	CC=clang meson setup build-cover -Dfuzz_coverage=true --buildtype=debug

constant-flow: programs ## no branch and no address depends on a secret
	$(PYTHON) tests/constant_flow.py $(BUILD)

foreign: deps ## unit tests of libmikey on s390x and i386
	$(PYTHON) build-aux/foreign.py s390x
	$(PYTHON) build-aux/foreign.py i386

nightly: deps ## the long forms; FUZZ_BUDGET, LAB_RUNS, KILL_RUNS
	$(PYTHON) tests/check.py --nightly

lint: deps build-lint/build.ninja ## our rules, clang-format, tidy, cppcheck
	ninja -C build-lint
	$(PYTHON) tests/lint.py --deep build-lint

build-lint/build.ninja: | deps
	CC=clang meson setup build-lint

pins: deps ## disable what is pinned, see tests fail; PINS="R42 R13"
	$(PYTHON) build-aux/pins.py prove $(or $(PINS),--all)

spec-report: deps ## RFC 6043 at code and at tests: build/spec-report.html
	$(PYTHON) build-aux/spec_report.py

api-docs: deps ## reference of libmikey: build/api/html/index.html
	mkdir -p $(BUILD)
	doxygen docs/Doxyfile

install: programs ## to the prefix of the build folder; DESTDIR is honoured
	meson install -C $(BUILD) --no-rebuild

uninstall: ## take away what the last `make install` put there
	ninja -C $(BUILD) uninstall

clean: ## remove all build folders
	rm -rf $(BUILD) build-asan build-cover build-flow-* build-fuzz build-i386 \
		build-lint build-msan build-s390x build-tsan build-valgrind

help: ## this
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22
