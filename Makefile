# Two commands are all there is to know: `make release` and `make test`. Both install what is
# missing and say what they install.

PROFILE ?= nectar-base
DISTRO  ?= debian-12
CARGO   ?= cargo

# The binary is static: a copy of it runs inside the images that are verified, whatever libraries
# they have. cargo wants the target named, or it would build its own helpers statically too.
HOST   := $(shell rustc -vV | sed -n 's/^host: //p')
BINARY := target/$(HOST)/release/ironseed

.PHONY: release test fuzz differential bench compare binary
.NOTPARALLEL:
release: tools-build binary
	$(BINARY) release -p $(PROFILE) -d $(DISTRO) -o dist

test: tools-test
	$(CARGO) test --locked

# The readers against the real programs on many more generated cases than `make test` takes:
# make differential CASES=20000 READER=sshd
CASES  ?= 20000
READER ?=
differential: tools-test
	IRONSEED_CASES=$(CASES) $(CARGO) test --locked --lib effective::$(READER)

# Hostile input, guided by coverage; `make test` replays the corpus: make fuzz SECONDS=600 TARGET=sshd
SECONDS ?= 600
TARGET  ?=
fuzz:
	tests/fuzz/run.sh $(SECONDS) $(TARGET)

# Measurements, never part of the tests: see docs/benchmarks.md.
bench: tools-bench binary
	tests/bench.sh $(BINARY)

# Lynis, OpenSCAP and ssh-audit on a root directory or an image, as root: make compare ROOT=/path
compare: tools-test
	tests/compare/compare.sh $(ROOT)

binary:
	RUSTFLAGS="$(RUSTFLAGS) -C target-feature=+crt-static" \
		$(CARGO) build --release --locked --target $(HOST)

tools-%:
	images/install-tools.sh $*
