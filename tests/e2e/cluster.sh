#!/bin/sh
# cluster.sh: the whole loop on a real Kubernetes control plane: an OOM, a crash loop and a stalled rollout are detected, diagnosed, approved
# through the command line, repaired by kubectl and verified, with a kill -9 of the engine in between.
# What it needs is in cluster_lib.inc.
set -u
. "$(dirname "$0")/cluster_lib.inc"
KUBE_HOME=$dir/kube KUBE_PORTS=$ports bash "$scripts/scale.sh" 0 1.20 >"$dir/nodes.log" 2>&1 # the nodes
until_true 30 sh -c "kubectl --kubeconfig '$config' get nodes --no-headers 2>/dev/null | grep -q ." || result 1 "there are nodes" "$(cat "$dir/nodes.log")"

tag=t$$
deployment() { # NAMESPACE NAME IMAGE MEMORY ANNOTATIONS
	cat <<X
apiVersion: apps/v1
kind: Deployment
metadata: {name: $2, namespace: $1, labels: {app: $2}}
spec:
  replicas: 2
  progressDeadlineSeconds: 15
  selector: {matchLabels: {app: $2}}
  template:
    metadata: {labels: {app: $2}, annotations: {team: t1$5}}
    spec:
      containers:
      - name: $2
        image: $3
        resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: $4}}
X
}
for ns in oom crash stall; do k create namespace $ns-$tag >/dev/null || exit 1; done
# The good revisions first; a rollback needs somewhere to go.
deployment crash-$tag ledger registry.example.com/ledger:1.0 256Mi "" | k apply -f - >/dev/null
deployment stall-$tag web registry.example.com/web:1.0 256Mi "" | k apply -f - >/dev/null
k -n crash-$tag rollout status deployment/ledger --timeout=60s >/dev/null && k -n stall-$tag rollout status deployment/web --timeout=60s >/dev/null
result $? "the good revisions run"
sleep 3

# ---- one engine, three incidents ----
start_engine() {
	"$P" --headless --log-format json --state-dir "$dir/state" --kubeconfig "$config" --profile approve --approval-timeout 120s </dev/null >>"$dir/engine.log" 2>&1 &
	engine=$!
}
verb() { "$P" "$@" --state-dir "$dir/state" 2>>"$dir/verbs.log"; }
start_engine
until_true 20 grep -q '"watching ' "$dir/engine.log"
result $? "the engine watches the cluster" "$(tail -n 3 "$dir/engine.log")"

deployment oom-$tag cart registry.example.com/cart:2.1.0 128Mi ", fake.test/oom-below: 256Mi" | k apply -f - >/dev/null
deployment crash-$tag ledger registry.example.com/ledger-crash:2.0 256Mi "" | k apply -f - >/dev/null
deployment stall-$tag web registry.example.com/web:2.0 256Mi ", fake.test/mode: notready" | k apply -f - >/dev/null
generation() { k -n "$1" get deployment "$2" -o 'jsonpath={.metadata.generation}'; }
g_oom=$(generation oom-$tag cart) g_crash=$(generation crash-$tag ledger) g_stall=$(generation stall-$tag web)

# One "id|digest|ns" a line of what may be approved; the JSON is one object per row, its strings hold no braces that matter here.
waiting() {
	verb approvals --json | /usr/bin/python3 -c 'import json,sys
for a in json.load(sys.stdin):
    if a["digest"]: print("%s|%s|%s" % (a["id"], a["digest"], a["ns"]))'
}
approved=
approve_all() {
	for row in $(waiting); do
		id=${row%%|*} rest=${row#*|}
		digest=${rest%%|*} ns=${rest#*|}
		if verb approve "$id" --digest "$(printf %.12s "$digest")" --reason "test" >>"$dir/approve.log"; then approved="$approved $ns"; fi
	done
	for ns in oom-$tag crash-$tag stall-$tag; do case $approved in *$ns*) ;; *) return 1 ;; esac; done
}
# The verdicts of a namespace, newest incident first: "state verdict kind".
verdicts() {
	verb incidents --json | /usr/bin/python3 -c 'import json,sys
for i in sorted(json.load(sys.stdin), key=lambda i: -i["id"]):
    if i["ns"] == sys.argv[1]: print(i["state"], i["verdict"], i["kind"], i["headline"])' "$1"
}
three_wait() { [ "$(waiting | wc -l)" -ge 3 ]; }
until_true 60 three_wait
dry=$(k get --raw /metrics | awk '/^apiserver_request_total\{/ && /dry_run="All"/ && /verb="PATCH"/ { s += $NF } END { print s + 0 }')
changed=
for row in "oom-$tag cart $g_oom" "crash-$tag ledger $g_crash" "stall-$tag web $g_stall"; do
	# shellcheck disable=SC2086 # three words
	set -- $row
	[ "$(generation "$1" "$2")" = "$3" ] || changed="$changed $1"
done
[ "${dry:-0}" -ge 3 ] && [ -z "$changed" ]; result $? "each change was tried by a server-side dry-run, and nothing was changed by it" "dry runs: ${dry:-none}; changed:$changed"
until_true 90 approve_all
result $? "all three are diagnosed, planned, and approved from another shell" "approved:$approved; $(tail -n 20 "$dir/engine.log")"
verb approve 1 --digest 000000000000 >/dev/null
[ $? -eq 5 ]; result $? "a second decision is refused with status 5"

# ---- kill -9 while it verifies ----
verifying() { [ "$(grep -c -- '-> verifying' "$dir/engine.log")" -ge 3 ]; }
until_true 30 verifying
result $? "the changes are sent, their verification runs" "$(tail -n 10 "$dir/engine.log")"
sleep 5
kill -9 "$engine"
wait "$engine" 2>/dev/null
start_engine
until_true 20 sh -c "[ \$(grep -c '\"watching ' '$dir/engine.log') -ge 2 ]"
result $? "after kill -9 the engine starts again" "$(tail -n 3 "$dir/engine.log")"

fixed() { # every namespace has an incident that is FIXED
	for ns in oom-$tag crash-$tag stall-$tag; do verdicts "$ns" | grep -q ' FIXED ' || return 1; done
}
until_true 210 fixed
for ns in oom-$tag crash-$tag stall-$tag; do
	verdicts "$ns" | grep -q ' FIXED ' && ! verdicts "$ns" | grep -q 'NOT FIXED'
	result $? "${ns%-"$tag"}: verified FIXED" "$(verdicts "$ns")"
done

# ---- what the cluster says ----
limit=$(k -n oom-$tag get deployment cart -o 'jsonpath={.spec.template.spec.containers[0].resources.limits.memory}')
[ "$limit" = 256Mi ]; result $? "oom: the limit is 256Mi on the cluster" "it is $limit"
image=$(k -n crash-$tag get deployment ledger -o 'jsonpath={.spec.template.spec.containers[0].image}')
[ "$image" = registry.example.com/ledger:1.0 ]; result $? "crash: the good image is back on the cluster" "it is $image"
image=$(k -n stall-$tag get deployment web -o 'jsonpath={.spec.template.spec.containers[0].image}')
[ "$image" = registry.example.com/web:1.0 ]; result $? "stall: the good image is back on the cluster" "it is $image"
for row in "oom-$tag cart $g_oom" "crash-$tag ledger $g_crash" "stall-$tag web $g_stall"; do
	# shellcheck disable=SC2086 # three words
	set -- $row
	ready=$(k -n "$1" get deployment "$2" -o 'jsonpath={.status.readyReplicas}/{.status.updatedReplicas}')
	[ "$ready" = 2/2 ]; result $? "${1%-"$tag"}: both replicas are ready" "ready/updated $ready"
	now=$(generation "$1" "$2")
	[ "$now" -eq $(($3 + 1)) ]; result $? "${1%-"$tag"}: exactly one change was sent" "generation $3 before, $now after"
done

# ---- taken back ----
incident_in() { # NAMESPACE: the newest incident that was FIXED
	verb incidents --json | /usr/bin/python3 -c 'import json,sys
print(max([i["id"] for i in json.load(sys.stdin) if i["ns"] == sys.argv[1] and i["verdict"] == "FIXED"] or [0]))' "$1"
}
state_of() { verb incident "$1" --json | /usr/bin/python3 -c 'import json,sys
r = json.load(sys.stdin)["row"]; print(r["state"], r["note"])'; }
oom=$(incident_in oom-$tag) stall=$(incident_in stall-$tag)
verb undo "$oom" >"$dir/undo"
[ $? -eq 2 ] && grep -q '+ .*128Mi' "$dir/undo" && [ "$(generation oom-$tag cart)" -eq $((g_oom + 1)) ]
result $? "oom: undo without a digest shows what it would take back, and sends nothing" "$(cat "$dir/undo")"
verb undo "$oom" --digest "$(sed -n 's/.*--digest //p' "$dir/undo")" --reason test >>"$dir/approve.log"
result $? "oom: the armed undo is asked for" "$(tail -n 3 "$dir/verbs.log")"
back() { state_of "$oom" | grep -q '^manual_review taken back'; }
until_true 60 back
result $? "oom: it is taken back" "$(state_of "$oom")"
limit=$(k -n oom-$tag get deployment cart -o 'jsonpath={.spec.template.spec.containers[0].resources.limits.memory}')
[ "$limit" = 128Mi ] && [ "$(generation oom-$tag cart)" -eq $((g_oom + 2)) ]
result $? "oom: by exactly one more change the limit is 128Mi again on the cluster" "it is $limit, generation $(generation oom-$tag cart)"
verb undo "$oom" --digest 000000000000 >/dev/null
[ $? -eq 5 ]; result $? "oom: a second undo is refused with status 5" "$(tail -n 1 "$dir/verbs.log")"
verb undo "$stall" >"$dir/undo"
k -n stall-$tag scale deployment web --replicas=3 >/dev/null
verb undo "$stall" --digest "$(sed -n 's/.*--digest //p' "$dir/undo")" >>"$dir/approve.log"
theirs() { state_of "$stall" | grep -q '^manual_review NOT taken back: .*was changed in between'; }
until_true 60 theirs
result $? "stall: what somebody else changed since is not taken back, and that is said" "$(state_of "$stall")"
image=$(k -n stall-$tag get deployment web -o 'jsonpath={.spec.template.spec.containers[0].image}')
[ "$image" = registry.example.com/web:1.0 ] && [ "$(generation stall-$tag web)" -eq $((g_stall + 2)) ]
result $? "stall: nothing was sent" "image $image, generation $(generation stall-$tag web)"

# ---- the record, and the end ----
verb audit verify >"$dir/audit.log"
result $? "the audit record is whole" "$(cat "$dir/audit.log")"
kill -TERM "$engine"
wait "$engine"
status=$?
engine=
[ $status -eq 0 ]; result $? "SIGTERM ends the engine with status 0" "status $status"
verb audit verify >"$dir/audit.log"
result $? "the audit record is whole after the end" "$(cat "$dir/audit.log")"
lines=$(grep -vc '^{.*}$' "$dir/engine.log")
[ "$lines" -eq 0 ]; result $? "every log line is a JSON object" "$(grep -v '^{.*}$' "$dir/engine.log" | head -n 3)"
[ "$bad" -eq 0 ]
