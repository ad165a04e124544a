#!/bin/sh
# doctor.sh: `neuroscale-tui doctor` as a program: on the simulated cluster, on servers that are not there, and on a real control plane. There the
# account that `doctor --role` prints is applied: with it nothing fails and nothing is beyond the need; then each rule is taken away in turn, and
# doctor names exactly what is lost by it.
#
#   KUBEBUILDER_ASSETS=DIR   etcd, kube-apiserver, kube-controller-manager (the envtest convention); not set: that part is skipped
#   NS_KUBE_SCRIPTS=DIR      up.sh and down.sh; default: ../shared/kube beside the checkout
#   KEEP=1                   leave logs and state behind
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
B=${B:-build}
P=$(cd "$B" && pwd)/neuroscale-tui
dir=$(mktemp -d) || exit 1
sim=
cleanup() {
	[ -z "$sim" ] || kill "$sim" 2>/dev/null
	[ ! -d "$dir/kube" ] || KUBE_HOME=$dir/kube bash "$scripts/down.sh" 1.20 >/dev/null 2>&1
	if [ -n "${KEEP-}" ]; then echo "# left in $dir"; else rm -rf "$dir"; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
HOME=$dir XDG_STATE_HOME=$dir XDG_CONFIG_HOME=$dir
export HOME XDG_STATE_HOME XDG_CONFIG_HOME
unset KUBECONFIG

n=0 bad=0
result() { # STATUS NAME [COMMENT]
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
		echo "not ok $n - $2"
		bad=$((bad + 1))
		[ -z "${3-}" ] || printf '%s\n' "$3" | sed 's/^/# /'
	fi
}
leave_out() { # REASON
	n=$((n + 1))
	echo "ok $n - doctor on a real control plane # SKIP $1"
	[ "$bad" -eq 0 ]
	exit
}

# ---- the simulated cluster, and none ----
"$P" sim --state-dir "$dir/sim" </dev/null >"$dir/sim.log" 2>&1 &
sim=$!
for _ in $(seq 1 50); do
	[ ! -s "$dir/sim/sim-kubeconfig" ] || break
	sleep 0.2
done
"$P" doctor --kubeconfig "$dir/sim/sim-kubeconfig" --kubectl /bin/false </dev/null >"$dir/out" 2>"$dir/err"; status=$?
[ $status -eq 1 ] && grep -q '^  fail  kubectl  *' "$dir/out" && grep -q '^  ok    server  *v' "$dir/out" && [ ! -s "$dir/err" ]
result $? "a kubectl that does not work is told, and the cluster is looked at all the same" "status $status: $(head -n 20 "$dir/out" "$dir/err")"
tail -n 1 "$dir/out" | grep -qE '^[0-9]+ ok, [0-9]+ warnings?, 1 failed, [0-9]+ not checked, in [0-9.]+ s$'
result $? "the sum is the last line" "$(tail -n 1 "$dir/out")"
! grep -q "$(printf '\033')" "$dir/out"; result $? "no colours in a pipe"
[ ! -e "$dir/neuroscale-tui" ]; result $? "no state directory is made by looking"
"$P" doctor --json --kubeconfig "$dir/sim/sim-kubeconfig" --kubectl /bin/false </dev/null >"$dir/json" 2>&1
sed -n '1s/^\[{"cluster":.*"status":".*/yes/p' "$dir/json" | grep -q yes && tail -n 1 "$dir/json" | grep -q '}\]$'
result $? "--json prints objects" "$(head -n 2 "$dir/json")"
"$P" doctor --role </dev/null >"$dir/role" 2>"$dir/err"; status=$?
[ $status -eq 0 ] && grep -q '^kind: ServiceAccount$' "$dir/role"
result $? "--role needs no cluster" "status $status: $(cat "$dir/err")"
kill "$sim"
sim=
cat >"$dir/kubectl" <<'X'
#!/bin/sh
case $1 in version) echo '{"clientVersion":{"major":"1","minor":"32","gitVersion":"v1.32.0"}}' ;; *)
	for f in --kubeconfig --context --cache-dir --request-timeout -n --type --patch-file -o -f --field-manager --dry-run; do echo "  $f: x"; done ;; esac
X
chmod 755 "$dir/kubectl"
for row in "3|--kubeconfig $dir/gone|gone does not exist" "7|--kubeconfig $dir/sim/sim-kubeconfig|nothing answers at 127.0.0.1:" "3|--kubeconfig $dir/sim/sim-kubeconfig --context demo-clutser|demo-cluster"; do
	rest=${row#*|}
	# shellcheck disable=SC2086 # words
	"$P" doctor --kubectl "$dir/kubectl" ${rest%%|*} </dev/null >"$dir/out" 2>&1; status=$?
	grep '^  fail' "$dir/out" | grep -F "${rest#*|}" >/dev/null && [ $status -eq "${row%%|*}" ]
	result $? "status ${row%%|*}: ${rest#*|}" "status $status: $(cat "$dir/out")"
done

# ---- a real control plane ----
[ -n "${KUBEBUILDER_ASSETS-}" ] || leave_out "KUBEBUILDER_ASSETS is not set"
scripts=${NS_KUBE_SCRIPTS:-$here/../shared/kube}
missing=
for f in etcd kube-apiserver kube-controller-manager; do [ -x "$KUBEBUILDER_ASSETS/$f" ] || missing="$missing $KUBEBUILDER_ASSETS/$f"; done
for f in up.sh down.sh; do [ -f "$scripts/$f" ] || missing="$missing $scripts/$f"; done
for f in kubectl openssl curl bash; do command -v $f >/dev/null 2>&1 || missing="$missing $f"; done
[ -x /usr/bin/python3 ] || missing="$missing /usr/bin/python3"
[ -z "$missing" ] || leave_out "not there:$missing"
# Below 32768: above, any client's own end of a connection may sit on one of them.
ports=
for p in 2 1; do
	# An API server that is being restarted leaves its etcd behind.
	curl -sk --max-time 1 "https://127.0.0.1:${p}6443/readyz" >/dev/null 2>&1 || curl -s --max-time 1 "http://127.0.0.1:${p}2379/health" >/dev/null 2>&1 || { ports=$p; break; }
done
[ -n "$ports" ] || leave_out "ports 16443 and 26443 are in use by others"
mkdir "$dir/kube"
KUBE_HOME=$dir/kube KUBE_PORTS=$ports NOSCHED=1 NOFAKELET=1 bash "$scripts/up.sh" 1.20 >"$dir/up.log" 2>&1
up=$?
result $up "the control plane starts" "$(tail -n 5 "$dir/up.log")"
[ $up -eq 0 ] || exit 1
admin=$dir/kube/run/1.20/admin.kubeconfig
k() { kubectl --kubeconfig "$admin" "$@"; }
doctor() { # KUBECONFIG ARGUMENTS...: prints JSON
	config=$1; shift
	"$P" doctor --json --kubeconfig "$config" --state-dir "$dir/state" "$@" </dev/null 2>"$dir/err"
}
# rows STATUS: "name|text" of what has that status; the clock of a test machine is nobody's business here.
rows() {
	/usr/bin/python3 -c 'import json,sys
for r in json.load(sys.stdin):
    if r["status"] == sys.argv[1] and r["check"] not in ("clock", "kubectl\x27s age"): print(r["name"] + "|" + r["text"])' "$1"
}

# ---- an administrator has too much ----
doctor "$admin" >"$dir/admin.json"; status=$?
[ $status -eq 0 ]; result $? "an administrator: nothing fails" "status $status: $(rows fail <"$dir/admin.json")"
rows warn <"$dir/admin.json" | grep '^more than needed|cluster-admin' >/dev/null; result $? "an administrator has more than is needed" "$(rows warn <"$dir/admin.json")"

# ---- the account of doctor --role ----
for ns in shop web; do k create namespace $ns >/dev/null || exit 1; done
"$P" doctor --role --act-in shop,web >"$dir/role.yaml"
k apply -f "$dir/role.yaml" >"$dir/apply.log" 2>&1
result $? "what doctor --role prints can be applied" "$(tail -n 3 "$dir/apply.log")"
cat <<'X' | k apply -f - >/dev/null
apiVersion: v1
kind: Secret
metadata: {name: robot-token, namespace: default, annotations: {kubernetes.io/service-account.name: neuroscale-autopilot}}
type: kubernetes.io/service-account-token
X
token=
for _ in $(seq 1 60); do
	token=$(k get secret robot-token -o 'jsonpath={.data.token}' 2>/dev/null | base64 -d)
	[ -z "$token" ] || break
	sleep 1
done
[ -n "$token" ]; result $? "the account has a token"
config=$dir/robot.kubeconfig
cp "$admin" "$config"
kubectl --kubeconfig "$config" config set-credentials robot --token="$token" >/dev/null
kubectl --kubeconfig "$config" config set-context t --user=robot >/dev/null

doctor "$config" --act-in shop,web >"$dir/robot.json"; status=$?
[ $status -eq 0 ] && [ -z "$(rows fail <"$dir/robot.json")" ]; result $? "with that account nothing fails" "status $status: $(rows fail <"$dir/robot.json")$(cat "$dir/err")"
left=$(rows warn <"$dir/robot.json" | grep -v '^credential|.*never expires')
[ -z "$left" ]; result $? "with that account nothing is missing and nothing is beyond the need" "$left"
rows ok <"$dir/robot.json" | grep '^more than needed|nothing that changes anything' >/dev/null; result $? "nothing beyond the need is said"
doctor "$config" >"$dir/found.json"
rows ok <"$dir/found.json" | grep '^act|may get, patch deployments.apps in 2 of [0-9]* namespaces: shop, web' >/dev/null
result $? "where it may act is found out" "$(rows ok <"$dir/found.json" | grep '^act')"

# ---- one rule less ----
# Each rule of each role goes in turn; the comment above it in the YAML says what is lost.
k get clusterrole neuroscale-autopilot -o json >"$dir/read.json"
k get clusterrole neuroscale-autopilot-act -o json >"$dir/act.json"
k -n default get role neuroscale-autopilot-lease -o json >"$dir/lease.json"
for role in read act lease; do
	rules=$(/usr/bin/python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["rules"]))' "$dir/$role.json")
	i=0
	while [ "$i" -lt "$rules" ]; do
		# The role without rule i, and "resource|words" of it.
		what=$(/usr/bin/python3 - "$dir/$role.json" "$i" "$dir/role.yaml" "$dir/less.json" <<'X'
import json, re, sys
role = json.load(open(sys.argv[1])); i = int(sys.argv[2])
rule = role["rules"].pop(i)
role["metadata"] = {k: v for k, v in role["metadata"].items() if k in ("name", "namespace")}
json.dump(role, open(sys.argv[4], "w"))
text = open(sys.argv[3]).read()
m = re.search(r"# without it: (.*)\n- apiGroups: \[\"%s\"\]\n  resources: \[%s\]\n%s  verbs: \[%s\]" % (re.escape(rule["apiGroups"][0]), re.escape(rule["resources"][0]),
    r"  resourceNames: \[.*\]\n" if "resourceNames" in rule else "", ", ".join(rule["verbs"])), text)
group = rule["apiGroups"][0]
print(rule["resources"][0] + ("." + group if group else "") + "|" + m.group(1))
X
)
		k replace -f "$dir/less.json" >/dev/null
		for _ in 1 2 3 4 5 6 7 8; do # the authoriser reads roles from a watch
			doctor "$config" --act-in shop,web >"$dir/less.out"; status=$?
			said=$({ rows fail <"$dir/less.out"; rows warn <"$dir/less.out"; } | grep -v '^credential|')
			[ -z "$said" ] || break
			sleep 1
		done
		printf '%s\n' "$said" | grep -qF "${what%%|*}" && printf '%s\n' "$said" | grep -qF "${what#*|}" && [ "$(printf '%s\n' "$said" | wc -l)" -eq 1 ]
		result $? "without the right to ${what%%|*}: ${what#*|}" "$said"
		case ${what%%|*} in # what nothing works without is a failure, with the status of one that is not allowed
		pods | deployments.apps | replicasets.apps | namespaces) want=4 ;;
		*) want=0 ;;
		esac
		[ $role = read ] || want=0
		[ $status -eq $want ] || result 1 "without the right to ${what%%|*}: status $want" "status $status"
		/usr/bin/python3 -c 'import json,sys
r = json.load(open(sys.argv[1])); r["metadata"] = {k: v for k, v in r["metadata"].items() if k in ("name", "namespace")}; json.dump(r, sys.stdout)' "$dir/$role.json" | k replace -f - >/dev/null
		i=$((i + 1))
	done
	for _ in 1 2 3 4 5 6 7 8; do
		doctor "$config" --act-in shop,web >"$dir/back.out"
		[ -n "$({ rows fail <"$dir/back.out"; rows warn <"$dir/back.out"; } | grep -v '^credential|')" ] || break
		sleep 1
	done
done

# ---- too much, by name ----
k create clusterrole greedy --verb=delete --resource=namespaces >/dev/null
k create clusterrolebinding greedy --clusterrole=greedy --serviceaccount=default:neuroscale-autopilot >/dev/null
k create role peeper --verb=get --resource=secrets -n shop >/dev/null
k create rolebinding peeper --role=peeper --serviceaccount=default:neuroscale-autopilot -n shop >/dev/null
for _ in 1 2 3 4 5 6 7 8; do
	doctor "$config" --act-in shop,web >"$dir/greedy.out"
	rows warn <"$dir/greedy.out" | grep 'delete namespaces, read secrets\|read secrets, delete namespaces' >/dev/null && break
	sleep 1
done
rows warn <"$dir/greedy.out" | grep '^more than needed|it also may \(delete namespaces, read secrets\|read secrets, delete namespaces\)$' >/dev/null
result $? "what is beyond the need is named" "$(rows warn <"$dir/greedy.out")"

# ---- what is refused ----
sed "s/token: .*/token: no-such-token/" "$config" >"$dir/bad.kubeconfig"
doctor "$dir/bad.kubeconfig" >"$dir/bad.json"; status=$?
[ $status -eq 4 ] && rows fail <"$dir/bad.json" | grep '^login|401: the server does not accept the credential' >/dev/null
result $? "a token that is not accepted" "status $status: $(rows fail <"$dir/bad.json")"
cp "$config" "$dir/none.kubeconfig" && kubectl --kubeconfig "$dir/none.kubeconfig" config unset users.robot.token >/dev/null
doctor "$dir/none.kubeconfig" >"$dir/none.json"; status=$?
[ $status -eq 4 ] && rows fail <"$dir/none.json" | grep '^login|403: no credential was sent' >/dev/null
result $? "no credential at all" "status $status: $(rows fail <"$dir/none.json")"
[ "$bad" -eq 0 ]
