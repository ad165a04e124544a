#!/bin/sh
# `policy exceptions` and `policy feedback` against the simulated cluster: what the program made is listed, with its state and the policy to change.
set -u
B=${B:-build}
prog=$(cd "$B" && pwd)/neuroscale-tui
dir=$(mktemp -d) || exit 1
sim=
n=0 failed=0
trap '[ -z "$sim" ] || kill "$sim"; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
HOME=$dir XDG_STATE_HOME=$dir/state XDG_CONFIG_HOME=$dir/config
export HOME XDG_STATE_HOME XDG_CONFIG_HOME
unset KUBECONFIG
ok() { # WHAT CONDITION-STATUS
	n=$((n + 1))
	if [ "$2" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; sed 's/^/# /' "$dir/out"; failed=1; fi
}
command -v kubectl >/dev/null || { echo "1..1"; echo "ok 1 - policy # SKIP kubectl is not in PATH"; exit 0; }
"$prog" sim --scenario demo --state-dir "$dir/state" >"$dir/sim" 2>&1 &
sim=$!
kubeconfig=
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	kubeconfig=$(sed -n 's/^kubeconfig  *//p' "$dir/sim")
	[ -n "$kubeconfig" ] && [ -s "$kubeconfig" ] && break
	sleep 0.5
done
"$prog" policy exceptions --kubeconfig "$kubeconfig" >"$dir/out" 2>&1
ok "a cluster without exceptions is no failure" $?
cat >"$dir/exception.json" <<'J'
{"apiVersion":"kyverno.io/v2","kind":"PolicyException","metadata":{"name":"neuroscale-inc-9-report-builder","namespace":"data",
 "labels":{"app.kubernetes.io/managed-by":"neuroscale-autopilot","cleanup.kyverno.io/ttl":"24h"},
 "annotations":{"neuroscale.io/incident":"inc-9","neuroscale.io/requested-by":"neuroscale-autopilot",
  "neuroscale.io/workload":"data/Deployment/report-builder","neuroscale.io/ttl":"24h","neuroscale.io/feedback":"limits are required"}},
 "spec":{"match":{"any":[{"resources":{"kinds":["Deployment"],"namespaces":["data"],"names":["report-builder"]}}]},
 "exceptions":[{"policyName":"require-limits","ruleNames":["check-limits"]}]}}
J
kubectl --kubeconfig "$kubeconfig" create -f "$dir/exception.json" >"$dir/out" 2>&1
ok "an exception of ours is made" $?
"$prog" policy exceptions --kubeconfig "$kubeconfig" >"$dir/out" 2>&1 && grep -q "report-builder" "$dir/out" && grep -q "require-limits" "$dir/out"
ok "it is listed with its workload and policy" $?
"$prog" policy feedback --kubeconfig "$kubeconfig" >"$dir/out" 2>&1 && grep -q "require-limits" "$dir/out" && grep -q "report-builder" "$dir/out"
ok "its policy's author learns of it" $?
"$prog" policy exceptions --json --kubeconfig "$kubeconfig" >"$dir/out" 2>&1 && grep -q '"neuroscale-inc-9-report-builder"' "$dir/out"
ok "as JSON too" $?
"$prog" policy lists --kubeconfig "$kubeconfig" >"$dir/out" 2>&1
[ $? -eq 2 ]
ok "an unknown word is a usage error" $?
echo "1..$n"
exit $failed
