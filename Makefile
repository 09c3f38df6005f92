# Two commands are all there is to know: `make release` and `make test`. Both install what is
# missing and say what they install.

PROFILE ?= nectar-base
DISTRO  ?= debian-12
CARGO   ?= cargo

# The binary is static: a copy of it runs inside the images that are verified, whatever libraries
# they have. cargo wants the target named, or it would build its own helpers statically too.
HOST   := $(shell rustc -vV | sed -n 's/^host: //p')
BINARY := target/$(HOST)/release/ironseed

.PHONY: release test bench compare binary
.NOTPARALLEL:
release: tools-build binary
	$(BINARY) release -p $(PROFILE) -d $(DISTRO) -o dist

test: tools-test
	$(CARGO) test --locked

# Measurements, never part of the tests: see docs/benchmarks.md.
bench: tools-bench binary
	tests/bench.sh $(BINARY)

# Lynis, OpenSCAP and ssh-audit on a root directory, as root: make compare ROOT=/path
compare: tools-test
	tests/compare/compare.sh $(ROOT)

binary:
	RUSTFLAGS="$(RUSTFLAGS) -C target-feature=+crt-static" \
		$(CARGO) build --release --locked --target $(HOST)

tools-%:
	images/install-tools.sh $*
