# What a developer does with multilane; `make` lists it.
#
# Needs cargo, CPython 3.11 or later, make and the package registries. Everything made lies in target/, .venv/, .venvs/,
# out/ and site/, and `make clean` removes it. Versions come from Cargo.lock, uv.lock and scripts/uv.txt only.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
# cargo and the installer use all cores by themselves, and lock each other out.
.NOTPARALLEL:

# A cargo of rustup looks for its toolchains in the home folder; in another home they still lie beside it.
ifeq ($(origin RUSTUP_HOME),undefined)
cargo_home := $(patsubst %/bin/cargo,%,$(shell command -v cargo))
toolchains := $(firstword $(wildcard $(dir $(cargo_home)).rustup $(dir $(cargo_home))rustup))
ifneq ($(toolchains),)
export RUSTUP_HOME := $(toolchains)
endif
endif

UV := .venvs/uv/bin/uv
PYTHON := .venv/bin/python
# The interpreter that builds the extension also answers for it in checks, so that cargo never builds PyO3 twice.
export PYO3_PYTHON := $(CURDIR)/$(PYTHON)
# What only devices need takes longer to build than all the rest, so it has commands of its own.
DEVICES := --exclude multilane-gpu-python
CARGO_TEST := cargo test --locked --workspace --exclude multilane-python $(DEVICES)
PYTEST_ARGUMENTS := --doctest-modules --pyargs multilane scripts tests $(wildcard README.md docs)
LOOM := $(shell grep -rl 'cfg.*loom' crates --include='*.rs' 2>/dev/null | cut -d/ -f2 | sort -u)

##@ Use
.PHONY: help
help: ## list what can be done
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: ## build multilane into .venv/ (quick when nothing changed)
	@bash scripts/setup.sh .venv

.PHONY: demo
demo: setup ## real work on all cores, and the pages that prove it (out/)
	@mkdir -p out
	@.venv/bin/multilane demo

# The module that was just built, not a second copy of it.
define bench_environment
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(1)
	@$(UV) pip sync --quiet --require-hashes --python $(1) $(2)
	@echo '$(CURDIR)/python' > "$$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/multilane.pth"
endef

.PHONY: bench
bench: setup ## measure against other task pools (benches/)
	$(call bench_environment,.venvs/bench,benches/requirements.txt)
	@.venvs/bench/bin/python benches/run.py tasks $(BENCH_ARGUMENTS)

.PHONY: bench-sync
bench-sync: setup ## measure locks and channels against the standard library's
	$(call bench_environment,.venvs/bench,benches/requirements.txt)
	@.venvs/bench/bin/python benches/run.py sync $(BENCH_ARGUMENTS)

BENCH_SUITES := arrays graphs
export GAP
.PHONY: bench-plans
bench-plans: setup ## measure arrays and graphs against other libraries
	$(call bench_environment,.venvs/bench-plans,benches/plans.txt)
	@for suite in $(BENCH_SUITES); do \
	    .venvs/bench-plans/bin/python benches/run.py $$suite $(BENCH_ARGUMENTS); \
	done

.PHONY: bench-quantum
bench-quantum: setup ## measure circuits against other simulators
	$(call bench_environment,.venvs/bench-quantum,benches/quantum.txt)
	@.venvs/bench-quantum/bin/python benches/run.py circuits $(BENCH_ARGUMENTS)

.PHONY: bench-lab
bench-lab: setup ## hold what-if against real runs, and measure what looking costs
	$(call bench_environment,.venvs/bench,benches/requirements.txt)
	@.venvs/bench/bin/python benches/run.py lab $(BENCH_ARGUMENTS)

# Optimised, but not across crates: the time is the device's and the driver's.
.PHONY: gpu
gpu: setup ## build what reaches devices (CUDA, Vulkan, wgpu), for `multilane scale --device gpu`
	@CARGO_PROFILE_RELEASE_LTO=off cargo build --locked --release --package multilane-gpu-python
	@cp $${CARGO_TARGET_DIR:-target}/release/libmultilane_gpu_python.so python/multilane/_gpu.abi3.so
	@$(PYTHON) -m multilane scale --devices

##@ Change
.PHONY: test
test: setup ## test Rust, and Python on every supported version found here
	@bash scripts/test.sh all $(PYTEST_ARGUMENTS)

.PHONY: check
check: lint types loom docs test ## all that CI checks

.PHONY: test-rust
test-rust: ## test the crates, documentation included
	@$(CARGO_TEST)

.PHONY: test-python
test-python: setup ## test the package on one Python (PYTEST_ARGUMENTS=... for a part)
	@$(PYTHON) -m pytest $(PYTEST_ARGUMENTS)

.PHONY: test-pythons
test-pythons: setup ## test the package on the other Pythons
	@bash scripts/test.sh pythons $(PYTEST_ARGUMENTS)

# Qiskit and PennyLane beside the module that was just built, not beside a second copy of it.
PARTNERS := .venvs/partners/bin/python
.PHONY: test-partners
test-partners: setup ## test with Qiskit and PennyLane, and PennyLane's own tests of devices
	@UV_PROJECT_ENVIRONMENT=.venvs/partners $(UV) sync --quiet --locked --python $(PYTHON) --only-group partners
	@$(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"), "$(CURDIR)/python", sep="\n")' \
	    > "$$($(PARTNERS) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/multilane.pth"
	@$(PARTNERS) -m pytest -p no:benchmark -p no:flaky --doctest-modules tests/partners docs/quantum-partners.md \
	    python/multilane/quantum
	@PATH="$(CURDIR)/.venvs/partners/bin:$$PATH" pl-device-test --device multilane.qubit --shots None --skip-ops

.PHONY: test-gpu
test-gpu: gpu ## lint and test what reaches devices, on those found here (mesa-vulkan-drivers for one of software)
	@cargo clippy --locked --package multilane-gpu --package multilane-gpu-python --all-features -- --deny warnings
	@MYPYPATH=python .venv/bin/stubtest --allowlist scripts/stubtest.txt --ignore-unused-allowlist multilane._gpu
	@$(PYTHON) -m pytest tests/scaling/test_devices.py

.PHONY: lint
lint: setup ## formatting, lints and the rules of the workspace
	@cargo fmt --all --check
	@.venv/bin/ruff format --check --quiet || { echo 'not formatted: run `make format`' >&2; .venv/bin/ruff format --diff --quiet; }
	@.venv/bin/ruff check --quiet
	@$(PYTHON) scripts/check_files.py
	@$(PYTHON) scripts/check_crates.py
	@cargo clippy --locked --workspace $(DEVICES) --all-targets -- --deny warnings
	@RUSTDOCFLAGS='--deny warnings' cargo doc --locked --workspace $(DEVICES) --no-deps --quiet

.PHONY: types
types: setup ## types, and the stubs of the extension against the built module
	@.venv/bin/mypy
	@MYPYPATH=python .venv/bin/stubtest --allowlist scripts/stubtest.txt --ignore-unused-allowlist multilane._multilane

.PHONY: loom
loom: # the interleavings of the protocols that have a loom test (LOOM_MAX_PREEMPTIONS=2 for more)
	@for crate in $(LOOM); do \
	    RUSTFLAGS='--cfg loom' CARGO_TARGET_DIR=$${CARGO_TARGET_DIR:-target}/loom \
	        cargo test --locked --release --package $$crate --lib loom; \
	done

.PHONY: format
format: setup ## format Rust and Python
	@cargo fmt --all
	@.venv/bin/ruff check --fix --quiet || true
	@.venv/bin/ruff format --quiet

.PHONY: docs
docs: setup ## build the documentation (site/)
	@UV_PROJECT_ENVIRONMENT=.venvs/docs $(UV) sync --quiet --locked --python $(PYTHON) --only-group docs
	@NO_MKDOCS_2_WARNING=1 .venvs/docs/bin/mkdocs build --quiet --strict

# Both want options that only nightly compilers know by right, and need no other tool.
SANITIZED_TARGET := $(shell rustc -vV | sed -n 's/^host: //p')
FUZZ_FLAGS := -Zsanitizer=address -Cpasses=sancov-module -Ccodegen-units=1 \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
FUZZ_TARGETS := $(patsubst fuzz/src/bin/%.rs,%,$(wildcard fuzz/src/bin/*.rs))
FUZZ_SECONDS := 60

##@ Hunt
.PHONY: fuzz
fuzz: ## feed readers and parsers anything for FUZZ_SECONDS each (FUZZ_TARGETS=...)
	@cd fuzz && RUSTC_BOOTSTRAP=1 RUSTFLAGS='$(FUZZ_FLAGS)' cargo build --locked --release --target $(SANITIZED_TARGET)
	@for name in $(FUZZ_TARGETS); do \
	    mkdir -p out/fuzz/$$name fuzz/seeds/$$name; \
	    echo "== $$name"; \
	    fuzz/target/$(SANITIZED_TARGET)/release/$$name -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
	        -artifact_prefix=out/fuzz/$$name- -print_final_stats=1 -verbosity=0 out/fuzz/$$name fuzz/seeds/$$name; \
	done

SANITIZED_CRATES := multilane-plan multilane-array multilane-graph multilane-trace
.PHONY: sanitize
sanitize: ## run the crates with unsafe code under AddressSanitizer
	@RUSTC_BOOTSTRAP=1 RUSTFLAGS='-Zsanitizer=address' CARGO_TARGET_DIR=$${CARGO_TARGET_DIR:-target}/sanitized PROPTEST_CASES=32 \
	    cargo test --locked --target $(SANITIZED_TARGET) --lib --tests $(addprefix --package ,$(SANITIZED_CRATES))

##@ Keep
.PHONY: browser
browser: ## install Chromium for the tests of the report (Debian, as root)
	@if ! command -v chromium >/dev/null; then \
	    export DEBIAN_FRONTEND=noninteractive; \
	    apt-get update --quiet --quiet && \
	    apt-get install --quiet --quiet --yes --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	fi

.PHONY: hazards
hazards: setup ## write the chapter on hazards anew, from what they show on this machine (minutes; leave it alone meanwhile)
	@$(PYTHON) scripts/hazards.py

.PHONY: samples
samples: setup ## write the measured outputs in the documentation anew (SAMPLES=... for some; leave the machine alone)
	@$(PYTHON) scripts/samples.py $(SAMPLES)

.PHONY: picture
picture: browser ## take the README's picture of the last demo's report
	@$(PYTHON) scripts/browser.py out/report.html docs/img/report.png

.PHONY: lock
lock: setup ## renew the lock files to what the registries have now
	@cargo update
	@$(UV) lock --upgrade
	@sed -n 's/^\(uv==[^ ]*\).*/\1/p' scripts/uv.txt | $(UV) pip compile --quiet --no-header --no-annotate --generate-hashes --output-file scripts/uv.txt -
	@$(UV) pip compile --quiet --no-header --no-annotate --generate-hashes --upgrade --python-version 3.11 \
	    pyproject.toml benches/requirements.in --output-file benches/requirements.txt
	@$(UV) pip compile --quiet --no-header --no-annotate --generate-hashes --upgrade --python-version 3.11 \
	    pyproject.toml benches/plans.in --output-file benches/plans.txt
	@$(UV) pip compile --quiet --no-header --no-annotate --generate-hashes --upgrade --python-version 3.11 \
	    pyproject.toml benches/quantum.in --output-file benches/quantum.txt

.PHONY: clean
clean: ## remove everything that was made
	@rm -rf target .venv .venvs out site dist python/multilane/*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
