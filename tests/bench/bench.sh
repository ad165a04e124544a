#!/bin/sh
# bench.sh: figures beside what they are compared with. B: build directory. Takes about two minutes, and one more with a
# real control plane (KUBEBUILDER_ASSETS, see tests/bench/cluster.sh).
set -eu
B=${B:-build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
program=$(cd "$B" && pwd)/neuroscale-tui
cp "$program" "$dir/stripped"
strip "$dir/stripped"
echo "$("$program" --version | cut -d' ' -f1,2), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
printf '%-46s %d KiB stripped   goal: none set\n' "the program" "$(($(stat -c %s "$dir/stripped") / 1024))"
HOME=$dir XDG_CONFIG_HOME=$dir "$B/bench/bench" "$dir" "$program"
"$B/bench/vectors"
"$B/bench/scale" "$dir" "$program"
B=$B sh tests/bench/cluster.sh "$dir"
