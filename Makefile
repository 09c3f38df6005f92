# Two commands are all there is to know: `make release` and `make test`. Both install what is
# missing and say what they install.

PROFILE ?= nectar-base
DISTRO  ?= debian-12
CARGO   ?= cargo

.PHONY: release test bench compare
release:
	images/install-tools.sh build
	$(CARGO) build --release --locked
	target/release/ironseed release -p $(PROFILE) -d $(DISTRO) -o dist

test:
	images/install-tools.sh test
	$(CARGO) test --locked

# Measurements, never part of the tests: see docs/benchmarks.md.
bench:
	images/install-tools.sh test
	$(CARGO) build --release --locked
	tests/bench.sh

compare:
	images/install-tools.sh test
	tests/compare/compare.sh dist
