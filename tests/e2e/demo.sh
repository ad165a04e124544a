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

"$P" demo --clusters 3 </dev/null >"$dir/out" 2>&1
[ $? -eq 2 ] && grep -q 'it needs a terminal' "$dir/out"; result $? "several simulated clusters need a terminal, and it says so"

# screen: what stands on it; until_shown TEXT: within 30 s
screen() { tmux -L "neuroscale-demo-$$" capture-pane -p 2>/dev/null; }
until_shown() {
	i=0
	while ! screen | grep -q -- "$1"; do
		i=$((i + 1))
		[ "$i" -lt 300 ] || { screen | sed 's/^/# /'; return 1; }
		sleep 0.1
	done
}
if command -v tmux >/dev/null; then
	tmux -L "neuroscale-demo-$$" -f /dev/null new-session -d -x 120 -y 40 "$P demo --clusters 3"
	until_shown '^prod-eu approve live.*prod-us observe live.*staging auto live'; result $? "three simulated clusters stand in the strip, each live"
	until_shown 'prod-us .*ImagePull'; result $? "an incident bears its cluster's name"
	tmux -L "neuroscale-demo-$$" send-keys c c
	until_shown '\[prod-us\]'; result $? "c shows one cluster at a time"
	tmux -L "neuroscale-demo-$$" send-keys C
	until_shown '^Clusters '; result $? "C shows all that is known of each"
	tmux -L "neuroscale-demo-$$" send-keys q q
	i=0
	while tmux -L "neuroscale-demo-$$" has-session 2>/dev/null && [ "$i" -lt 100 ]; do i=$((i + 1)); sleep 0.1; done
	[ "$i" -lt 100 ]; result $? "q leaves"
	tmux -L "neuroscale-demo-$$" kill-server 2>/dev/null
else
	n=$((n + 1))
	echo "ok $n - three simulated clusters in one console # SKIP no tmux"
fi
[ "$bad" -eq 0 ]
