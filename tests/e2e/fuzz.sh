#!/bin/sh
# fuzz.sh: every fuzz target for a few seconds from its seeds, with the sanitizers; `make fuzz` goes on for minutes. Needs clang with its fuzzer.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
seconds=${FUZZ_SECONDS:-2}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 1ul << 30; }' >"$dir/probe.c"
if ! command -v clang >/dev/null 2>&1; then
	echo "ok 1 - every fuzz target for $seconds s # SKIP clang is not installed: sh contrib/deps.sh --dev"
	exit 0
elif ! clang -fsanitize=fuzzer,address -o "$dir/probe" "$dir/probe.c" 2>/dev/null; then
	echo "ok 1 - every fuzz target for $seconds s # SKIP this clang has no libFuzzer: sh contrib/deps.sh --dev"
	exit 0
fi
B=$B sh tests/fuzz/run.sh "$seconds" >"$dir/out" 2>&1
status=$?
n=0 runs=0
for t in tests/fuzz/fuzz_*.c; do
	name=$(basename "$t" .c) n=$((n + 1))
	ran=$(sed -n "s/^$name  *\([1-9][0-9]*\) runs, nothing found\$/\1/p" "$dir/out")
	if [ -n "$ran" ]; then
		echo "ok $n - $name"
		runs=$((runs + ran))
	else
		echo "not ok $n - $name"
		status=1
	fi
done
if [ "$status" -ne 0 ]; then sed 's/^/# /' "$dir/out"; fi
echo "## fuzz: $n targets, $runs runs in $((n * seconds)) s"
echo "1..$n"
exit "$status"
