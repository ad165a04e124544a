#!/bin/sh
# cluster_client.sh: the client on a real API server: an account of few rights, a restart of the server in mid-watch, compaction (410), an expired
# token, credential plug-ins, and the CRDs of Kyverno and Argo CD. No controllers are needed: the pods and their states are made by hand.
# What it needs is in cluster_lib.inc; CRDs come from ../shared/fixtures/crds beside the checkout.
set -u
NOKCM=1 NOSCHED=1 NOFAKELET=1
export NOKCM NOSCHED NOFAKELET
. "$(dirname "$0")/cluster_lib.inc"

# ---- two namespaces, and an account that may read the one ----
for ns in shop vault; do k create namespace $ns && k -n $ns create serviceaccount default; done >"$dir/setup.log" 2>&1
k apply -f - >>"$dir/setup.log" 2>&1 <<'X'
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: limited, namespace: shop}}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata: {name: limited, namespace: shop}
  rules:
  - {apiGroups: [""], resources: [pods, events], verbs: [get, list, watch]}
  - {apiGroups: [apps], resources: [deployments, replicasets, statefulsets], verbs: [get, list, watch]}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: limited, namespace: shop}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: limited}
  subjects: [{kind: ServiceAccount, name: limited, namespace: shop}]
X
token=$(k -n shop create token limited 2>>"$dir/setup.log")
[ -n "$token" ]; result $? "an account that may read one namespace" "$(cat "$dir/setup.log")"
account() { # FILE USER-YAML: a kubeconfig whose context is in shop
	printf 'apiVersion: v1\nkind: Config\ncurrent-context: t\nclusters:\n- name: t\n  cluster: {server: "%s", certificate-authority: %s}\ncontexts:\n- name: t\n  context: {cluster: t, user: u, namespace: shop}\nusers:\n- name: u\n  user: %s\n' \
		"$API" "$run/pki/ca.crt" "$2" >"$dir/$1"
}
account limited.yaml "{token: $token}"

crashing_pod() { # NAMESPACE NAME
	k apply -f - >>"$dir/setup.log" 2>&1 <<X
apiVersion: v1
kind: Pod
metadata: {name: $2, namespace: $1}
spec: {nodeName: node-1, automountServiceAccountToken: false, containers: [{name: c, image: registry.example.com/c:1}]}
X
	# A kubelet's word on it, by the status subresource.
	k -n "$1" patch pod "$2" --subresource=status --type=merge -p '{"status":{"phase":"Running","startTime":"2026-01-01T00:00:00Z","conditions":[{"type":"PodScheduled","status":"True"},{"type":"Ready","status":"False","reason":"ContainersNotReady"}],"containerStatuses":[{"name":"c","image":"registry.example.com/c:1","imageID":"x","ready":false,"restartCount":9,"state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off 5m0s restarting failed container=c"}},"lastState":{"terminated":{"exitCode":2,"reason":"Error","startedAt":"2026-01-01T00:00:00Z","finishedAt":"2026-01-01T00:00:05Z"}}}]}}' >>"$dir/setup.log" 2>&1
}
crashing_pod shop one
crashing_pod vault secret

start_engine() { # NAME KUBECONFIG: one that only looks; its pid is in $last
	: >"$dir/$1.log"
	"$P" --headless --log-format json --state-dir "$dir/$1.state" --kubeconfig "$2" --profile observe </dev/null >>"$dir/$1.log" 2>&1 &
	last=$!
	engine="$engine $last"
}
stop_engine() { # PID: its exit status
	kill -TERM "$1"
	wait "$1"
}
incidents() { "$P" incidents --json --state-dir "$dir/$1.state" 2>>"$dir/verbs.log"; } # NAME
sees() { incidents "$1" | /usr/bin/python3 -c 'import json,sys
sys.exit(not any(i["ns"] == sys.argv[1] and i["target"] == sys.argv[2] and (not sys.argv[3] or i["state"] in sys.argv[3].split()) for i in json.load(sys.stdin)))' "$2" "$3" "${4-}" 2>/dev/null; }
said() { [ "$(grep -c -- "$2" "$dir/$1.log")" -ge "${3:-1}" ]; } # NAME WORDS [TIMES]

# ---- few rights ----
start_engine limited "$dir/limited.yaml"
limited=$last
until_true 20 said limited '"watching '
result $? "few rights: the cluster is watched" "$(tail -n 5 "$dir/limited.log")"
grep '"watching ' "$dir/limited.log" | grep -q 'only in shop: pods'
result $? "few rights: where is said" "$(grep '"watching ' "$dir/limited.log")"
grep '"watching ' "$dir/limited.log" | grep -q 'may not watch [^;]*nodes'
result $? "few rights: what may not be watched at all is named" "$(grep '"watching ' "$dir/limited.log")"
until_true 15 sees limited shop one
result $? "few rights: a failure there is seen" "$(incidents limited)"
sees limited vault secret
[ $? -ne 0 ]; result $? "few rights: one elsewhere is not"

diagnosed() { incidents "$1" | /usr/bin/python3 -c 'import json,sys
sys.exit(not any(i["target"] == sys.argv[1] and i["stage_analyze"] == "done" for i in json.load(sys.stdin)))' "$2" 2>/dev/null; }
until_true 30 diagnosed limited one
result $? "few rights: it is diagnosed" "$(tail -n 3 "$dir/limited.log")"

# ---- the API server ends in mid-watch, without a word ----
restart_server() {
	while kill -0 "$(cat "$run/pid/apiserver")" 2>/dev/null; do sleep 0.2; done
	plane up.sh >>"$dir/up.log" 2>&1
}
kill -9 "$(cat "$run/pid/apiserver")"
until_true 20 said limited 'is not watched, trying again'
result $? "a server that was killed is missed" "$(tail -n 3 "$dir/limited.log")"
restart_server
crashing_pod shop two
until_true 60 sees limited shop two
result $? "and taken up again when it is back: what happened since is seen" "$(tail -n 5 "$dir/limited.log")"

# ---- compaction: the version that a stopped engine holds is no more ----
kill -STOP "$limited"
k -n shop delete pod one --grace-period=0 --force >>"$dir/setup.log" 2>&1
crashing_pod shop three
etcd=http://127.0.0.1:${ports}2379
revision=$(curl -s "$etcd/v3/kv/range" -d '{"key":"AA=="}' | /usr/bin/python3 -c 'import json,sys; print(json.load(sys.stdin)["header"]["revision"])')
curl -s "$etcd/v3/kv/compaction" -d "{\"revision\":$revision,\"physical\":true}" >"$dir/compact.log"
grep -q revision "$dir/compact.log"; result $? "etcd is compacted up to now" "$(cat "$dir/compact.log")"
old=$(k get --raw "/api/v1/namespaces/shop/events?watch=1&resourceVersion=5&timeoutSeconds=1" 2>&1)
echo "$old" | grep -q '"code":410'; result $? "an old version is answered by 410" "$old"
kill "$(cat "$run/pid/apiserver")"
restart_server
kill -CONT "$limited"
until_true 60 sees limited shop three
result $? "410: it lists again: what is new is seen" "$(tail -n 5 "$dir/limited.log")"

# ---- tokens: one signed for the past, and the same for the future ----
b64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
signed() { # SECONDS from now that it expires
	head=${token%%.*}
	rest=${token#*.}
	body=$(printf '%s' "${rest%%.*}" | /usr/bin/python3 -c 'import base64,json,sys,time
t=sys.stdin.read(); c=json.loads(base64.urlsafe_b64decode(t+"="*(-len(t)%4))); e=int(time.time())+int(sys.argv[1])
c.update(exp=e,iat=e-3600,nbf=e-3600); sys.stdout.write(json.dumps(c,separators=(",",":")))' "$1" | b64url)
	printf '%s.%s.%s' "$head" "$body" "$(printf '%s.%s' "$head" "$body" | openssl dgst -sha256 -sign "$run/pki/sa.key" -binary | b64url)"
}
past=$(signed -3600) future=$(signed 3500)
account future.yaml "{token: $future}"
kubectl --kubeconfig "$dir/future.yaml" -n shop get pods >/dev/null 2>"$dir/future.log"
result $? "a token that we signed is good" "$(cat "$dir/future.log")"
account past.yaml "{token: $past}"
start_engine past "$dir/past.yaml"
until_true 20 said past 'is not watched, trying again'
grep 'is not watched' "$dir/past.log" | grep -q 'Unauthorized'
result $? "an expired token: the server's word is passed on" "$(tail -n 3 "$dir/past.log")"
said past '"watching '
[ $? -ne 0 ]; result $? "an expired token: nothing is called watched"
stop_engine "$last"; result $? "an expired token: SIGTERM ends it with status 0"

# ---- plug-ins: the first run gives the expired token, the server refuses it, the second gives a good one ----
cat >"$dir/plugin" <<X
#!/bin/sh
echo run >>"$dir/\$1.runs"
[ "\$(wc -l <"$dir/\$1.runs")" -gt 1 ] && t=$future || t=$past
printf '{"apiVersion":"client.authentication.k8s.io/%s","kind":"ExecCredential","status":{"token":"%s"}}' "\$1" "\$t"
X
chmod 700 "$dir/plugin"
for version in v1 v1beta1; do
	account $version.yaml "{exec: {apiVersion: client.authentication.k8s.io/$version, command: ./plugin, args: [$version], interactiveMode: IfAvailable}}"
	start_engine $version "$dir/$version.yaml"
	until_true 20 said $version '"watching '
	result $? "a plug-in ($version) whose first token is refused is run again" "$(tail -n 3 "$dir/$version.log")"
	[ "$(wc -l <"$dir/$version.runs")" -eq 2 ]; result $? "and not more often than that, for all watches together" "$(wc -l <"$dir/$version.runs") runs"
	stop_engine "$last"; result $? "$version: SIGTERM ends it with status 0"
done
printf '#!/bin/sh\necho $$ >"%s/hang.pid"\nexec sleep 600\n' "$dir" >"$dir/hang" && chmod 700 "$dir/hang"
account hang.yaml "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./hang, interactiveMode: Never}}"
start_engine hang "$dir/hang.yaml"
until_true 20 said hang 'the credential plug-in has not answered'
result $? "a plug-in that hangs is named" "$(tail -n 3 "$dir/hang.log")"
before=$(date +%s)
stop_engine "$last"
[ $? -eq 0 ] && [ $(($(date +%s) - before)) -lt 10 ]; result $? "and holds up no end" "$(($(date +%s) - before)) s"
! kill -0 "$(cat "$dir/hang.pid")" 2>/dev/null; result $? "it is ended itself"

# ---- the CRDs of Kyverno and Argo CD, for real ----
crds=$here/../shared/fixtures/crds
if [ ! -d "$crds" ]; then
	n=$((n + 1))
	echo "ok $n - the CRDs of Kyverno and Argo CD # SKIP $crds is not there"
else
	k apply --server-side --force-conflicts -f "$crds" >"$dir/crds.log" 2>&1 && k wait --for=condition=Established crd --all --timeout=30s >>"$dir/crds.log" 2>&1
	result $? "the CRDs are installed" "$(tail -n 3 "$dir/crds.log")"
	watches() { k get --raw /metrics | awk -v r="resource=\"$1\"" '/^apiserver_longrunning_gauge\{/ && index($0, r) && /verb="WATCH"/ { s += $NF } END { print s + 0 }'; }
	for r in policyreports applications pods deployments; do eval "was_$r=\$(watches $r)"; done
	start_engine crds "$config"
	until_true 20 said crds '"watching '
	result $? "with all of them installed the cluster is watched" "$(tail -n 3 "$dir/crds.log")"
	for r in policyreports applications pods deployments; do
		eval "was=\$was_$r"
		[ "$(($(watches $r) - was))" -eq 1 ]; result $? "one watch of $r" "$(($(watches $r) - was))"
	done
	stop_engine "$last"; result $? "SIGTERM ends it with status 0"
fi
# ---- and the engine of few rights, which ran on ----
until_true 100 sees limited shop one "resolved withdrawn" # a recovery is held for a minute
result $? "410: and what went meanwhile is gone" "$(incidents limited)"
[ "$(incidents limited | grep -o '"target":"two"' | wc -l)" -eq 1 ]; result $? "nothing is told twice" "$(incidents limited)"
stop_engine "$limited"; result $? "few rights: SIGTERM ends it with status 0"
[ "$bad" -eq 0 ]
