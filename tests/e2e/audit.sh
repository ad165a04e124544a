#!/bin/sh
# audit.sh: a change that was approved over the socket, as the record has it: who and from where, proven where it is and as a file, cut and edited, and
# every decision replayed.
set -u
B=${B:-build}
n=0 failed=0 dir= sim= engine=
skipped() { echo "1..1"; echo "ok 1 - audit # SKIP $1"; exit 0; }
command -v kubectl >/dev/null || skipped "kubectl is not in PATH"
dir=$(mktemp -d) || exit 1
trap '[ -z "$engine" ] || kill "$engine"; [ -z "$sim" ] || kill "$sim"; wait 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
prog=$(cd "$B" && pwd)/neuroscale-tui
unset KUBECONFIG XDG_STATE_HOME XDG_CONFIG_HOME SSH_CONNECTION
HOME=/nonexistent
export HOME
ok() { # WHAT CONDITION-STATUS
	n=$((n + 1))
	if [ "$2" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; sed 's/^/# /' "$dir/text"; failed=1; fi
}
wait_for() { # PATTERN FILE
	i=0
	until grep -q "$1" "$2" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 480 ] || return 1
		sleep 0.25
	done
}
run() { "$prog" "$@" --state-dir "$dir/state" >"$dir/text" 2>&1; }
"$prog" sim --scenario oom-simple --rate 40 --state-dir "$dir/sim" >"$dir/simulated" 2>&1 &
sim=$!
wait_for '^clock' "$dir/simulated"
"$prog" --headless --kubeconfig "$(sed -n 's/^kubeconfig  *//p' "$dir/simulated")" --clock "$(sed -n 's/^clock  *//p' "$dir/simulated")" --anchor-facility local7 \
	--state-dir "$dir/state" >"$dir/engine" 2>&1 &
engine=$!
wait_for 'approval asked' "$dir/engine"
cp "$dir/engine" "$dir/text"; ok "the engine asks" $?
run approvals
digest=$(sed -n 's/.*approve 1 --digest //p' "$dir/text")
SSH_CONNECTION="203.0.113.9 50222 10.0.0.7 22" run approve 1 --digest "$digest" --reason "go on"; ok "a person far away approves" $?
wait_for 'verifying -> resolved' "$dir/engine"; ok "it is fixed" $?
kill "$engine"; wait "$engine" 2>/dev/null; engine=

run audit verify; ok "the record is whole" $?
"$prog" audit export --json --state-dir "$dir/state" >"$dir/export" 2>"$dir/text"; ok "and written out" $?
grep '"action":"approved"' "$dir/export" >"$dir/text"
grep -q '"who":{"client":"cli","uid":'"$(id -u)"',.*"ssh":{"address":"203.0.113.9","port":50222,"claimed":true}' "$dir/text"; ok "who said yes, and from where as they claim" $?
grep -q '"before":{"[^"]*limits.memory":"128Mi"},"after":{"[^"]*limits.memory":"256Mi"}' "$dir/text"; ok "to what" $?
grep -q '"client":"engine"' "$dir/export"; ok "what the engine did by itself is its own" $?
"$prog" audit verify "$dir/export" --state-dir /nonexistent >"$dir/text" 2>&1; ok "the file is proven without the store" $?
"$prog" audit export --json --incident 1 --state-dir "$dir/state" | "$prog" audit verify - --state-dir /nonexistent >"$dir/text" 2>&1; ok "and what is piped" $?
sed 's/"reason":"go on"/"reason":"do it"/' "$dir/export" >"$dir/edited"
"$prog" audit verify "$dir/edited" >"$dir/text" 2>&1; [ $? -eq 8 ] && grep -q 'content was changed' "$dir/text"; ok "an edited one is found" $?
head=$(sed -n '$s/.*"hash":"\([0-9a-f]*\)".*/\1/p' "$dir/export")
rows=$(wc -l <"$dir/export")
echo "Nov 24 bastion neuroscale-tui[7]: neuroscale-tui audit anchor $head@$rows stop; in $(cd "$dir/state" && pwd -P)" >"$dir/log"
run audit verify --anchor "$dir/log"; ok "it agrees with its anchor" $?
sed '$d' "$dir/export" >"$dir/cut"
"$prog" audit verify "$dir/cut" >"$dir/text" 2>&1; ok "a file whose end is gone looks whole" $?
"$prog" audit verify "$dir/cut" --anchor "$head@$rows" >"$dir/text" 2>&1; [ $? -eq 8 ] && grep -q "before the anchored row $rows" "$dir/text"; ok "but for the anchor" $?
run replay 1; ok "every decision comes out again" $?
grep -q ' 0 differ, 0 not known' "$dir/text"; ok "all of them" $?
run replay 1 --json; grep -q '"differs":0' "$dir/text"; ok "in JSON too" $?
echo "1..$n"
exit $failed
