#!/bin/bash
# Fuzzes with libFuzzer, one target after the other, and installs what that takes.
#
#   tests/fuzz/run.sh SECONDS [TARGET...]    all targets where none is named
#   tests/fuzz/run.sh keep [TARGET...]       adds to the kept corpus what the runs found out
#
# What is found grows in target/fuzz/corpus; an input that fails is left in target/fuzz/failed.
# A target fails at a panic, at 10 seconds for one input or at 512 MB. Exits with 1 then.
set -euo pipefail

task=${1:?usage: $0 SECONDS|keep [TARGET...]}
shift
cd "$(dirname "$0")/../.."
kept=tests/fuzz/corpus
work=$PWD/target/fuzz
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(ls "$kept")

# libFuzzer is C++, and the coverage that guides it is put in by rustc.
command -v c++ >/dev/null || images/install-tools.sh build
if ! command -v cargo-fuzz >/dev/null; then
	echo "installing: cargo-fuzz"
	cargo install --locked cargo-fuzz
	PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
fi

# No sanitizer: they look for what unsafe code does, and there is none. So a stable compiler will do.
cargo fuzz build --fuzz-dir tests/fuzz --target-dir "$work" --sanitizer none engine
engine=$work/$(rustc -vV | sed -n 's/^host: //p')/release/engine

# Images are written to files, which is quickest in memory.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm

fuzz() {
	local target=$1 grown=$work/corpus/$1 log=$work/$1.log
	mkdir -p "$grown" "$work/failed"
	if IRONSEED_FUZZ=$target nice -n 5 "$engine" -max_total_time="$task" -timeout=10 -rss_limit_mb=512 \
		-max_len=16384 -dict=tests/fuzz/words.dict -artifact_prefix="$work/failed/$target-" \
		-print_final_stats=1 "$grown" "$kept/$target" &>"$log"; then
		printf '%-14s %12s inputs in %s s\n' "$target" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$task"
	else
		printf '%-14s FAILED: see %s\n' "$target" "$log"
		return 1
	fi
}

# The smallest inputs that reach everything that was reached, up to a size that a repository can hold.
keep() {
	local target=$1 small=$work/small/$1 room=36000 input
	rm -rf "$small"
	mkdir -p "$small"
	IRONSEED_FUZZ=$target "$engine" -set_cover_merge=1 -max_len=4096 "$small" "$kept/$target" "$work/corpus/$target" \
		&>"$work/$target.merge.log"
	while read -r size input; do
		room=$((room - size))
		[ "$room" -gt 0 ] || break
		cp -n "$input" "$kept/$target/"
	done < <(find "$small" -type f -printf '%s %p\n' | sort -n)
	echo "$target: $(find "$kept/$target" -type f | wc -l) inputs kept"
}

failed=0
for target in "${targets[@]}"; do
	case $task in
	keep) keep "$target" ;;
	*) fuzz "$target" || failed=1 ;;
	esac
done
exit "$failed"
