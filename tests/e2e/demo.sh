#!/bin/sh
# demo.sh: without a terminal the demo plays every scenario, judges them and ends by itself.
set -u
B=${B:-build}
P=$(cd "$B" && pwd)/neuroscale-tui
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
n=0 bad=0
result() { # STATUS NAME
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=$((bad + 1)); fi
}

HOME=$dir XDG_STATE_HOME=$dir/state XDG_CONFIG_HOME=$dir/config
export HOME XDG_STATE_HOME XDG_CONFIG_HOME
began=$(date +%s)
{ timeout -k 5 120 "$P" demo </dev/null 2>&1; echo $? >"$dir/status"; } | cat >"$dir/out"
took=$(($(date +%s) - began))
status=$(cat "$dir/status")

[ "$status" -ne 124 ]; result $? "the demo ends within two minutes ($took s)"
[ "$status" -eq 0 ]; result $? "its exit status is 0 (it is $status)"
known=$("$P" demo --scenario list | wc -l)
[ "$known" -ge 12 ]; result $? "there are at least 12 scenarios ($known)"
[ "$(tail -n 1 "$dir/out")" = "$known scenarios ended as they must, 0 did not" ]; result $? "the last line sums up: $(tail -n 1 "$dir/out")"
grep -q '^--- healthy: ' "$dir/out" && grep -q 'awaiting_approval -> executing' "$dir/out"; result $? "the incident log is printed"
sed -n 's/^FAILED  /# FAILED /p' "$dir/out"
[ "$bad" -eq 0 ]
