#!/bin/sh
# cluster_actions.sh: every action on a real control plane, by the newest kubectl at hand and by 1.20: tried by a server-side dry-run, approved,
# sent, verified, taken back by `undo`, each time with what the server then holds; and afterwards the record: gate explain, replay, audit verify.
# Kyverno and Argo CD are there by their real CRDs; what their controllers would do, and OpenCost, does cluster_world.py.
#   NS_KUBECTL_120=FILE   kubectl 1.20; without it the second half runs with the kubectl in PATH, and says so
# What else it needs is in cluster_lib.inc; CRDs come from ../shared/fixtures/crds beside the checkout.
# shellcheck disable=SC2046,SC2003,SC2181 # the rows that it works with are words
set -u
. "$(dirname "$0")/cluster_lib.inc"
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }
crds=$here/../shared/fixtures/crds
if [ ! -d "$crds" ]; then
	skip "every action on a real control plane" "$crds is not there"
	exit 0
fi
newest=$(command -v kubectl) oldest=${NS_KUBECTL_120-}
version() { "$1" version --client -o json 2>/dev/null | sed -n 's/.*"gitVersion": "\([^"]*\)".*/\1/p'; }
case $(version "$newest") in v1.20.*) oldest=${oldest:-$newest} ;; esac
if [ -z "$oldest" ] || [ ! -x "$oldest" ]; then
	skip "kubectl 1.20" "NS_KUBECTL_120 names none; the second half runs with $(version "$newest") too"
	oldest=$newest
else
	case $(version "$oldest") in v1.20.*) true ;; *) false ;; esac
	result $? "NS_KUBECTL_120 is kubectl 1.20" "$(version "$oldest")"
fi
echo "# kubectl $(version "$newest") and $(version "$oldest")"

# ---- what is in the cluster ----
KUBE_HOME=$dir/kube KUBE_PORTS=$ports bash "$scripts/scale.sh" 0 1.20 >"$dir/nodes.log" 2>&1
k apply --server-side --force-conflicts -f "$crds" >"$dir/crds.log" 2>&1
k apply -f - >>"$dir/crds.log" 2>&1 <<'Y'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: clusterpolicies.kyverno.io}
spec:
  group: kyverno.io
  scope: Cluster
  names: {plural: clusterpolicies, singular: clusterpolicy, kind: ClusterPolicy}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
Y
k wait --for=condition=Established crd --all --timeout=60s >>"$dir/crds.log" 2>&1
result $? "the CRDs of Kyverno and Argo CD are installed" "$(tail -n 3 "$dir/crds.log")"

deployment() { # NAMESPACE NAME IMAGE REPLICAS MEMORY POD-ANNOTATIONS EXTRA-POD-SPEC LABELS ANNOTATIONS
	cat <<Y
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: $2, namespace: $1, labels: {app: $2${8-}}, annotations: {made-by: test${9-}}}
spec:
  replicas: $4
  progressDeadlineSeconds: 600
  selector: {matchLabels: {app: $2}}
  template:
    metadata: {labels: {app: $2}, annotations: {made-by: test${6-}}}
    spec:
      containers:
      - name: $2
        image: registry.example.com/$3
        resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: $5}}
${7-}
Y
}
image() { k -n "$1" get deployment "$2" -o 'jsonpath={.spec.template.spec.containers[0].image}'; }
limit() { k -n "$1" get deployment "$2" -o 'jsonpath={.spec.template.spec.containers[0].resources.limits.memory}'; }
replicas() { k -n "$1" get deployment "$2" -o 'jsonpath={.spec.replicas}/{.status.readyReplicas}'; }
generation() { k -n "$1" get deployment "$2" -o 'jsonpath={.metadata.generation}'; }
spaces() { # HALF: its namespaces
	echo "oom-$1 crash-$1 cost-$1 policy-$1"
	case $1 in new) echo "git-new eyes-new zero-new" ;; old) echo "end-old" ;; esac
}
for ns in $(spaces new) $(spaces old) lease-new lease-old kyverno policy-exceptions argocd; do
	printf -- '---\napiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {%s}}\n' "$ns" "$(case $ns in policy-new | policy-old | end-old) echo 'policy: "on"' ;; esac)"
done | k apply -f - >"$dir/setup.log" 2>&1
{
	for v in new old; do
		deployment crash-$v ledger ledger:1.0 1 256Mi
		deployment cost-$v batch batch:1.0 3 256Mi "" "" ", environment: staging"
		deployment policy-$v report report:1.0 1 256Mi
	done
	deployment end-old nightly nightly:1.0 1 256Mi
	deployment eyes-new vault-ui ui:1.0 1 256Mi
	deployment zero-new idle idle:1.0 0 256Mi
	deployment git-new api api:1.0 1 256Mi "" "" "" ", argocd.argoproj.io/tracking-id: 'api:apps/Deployment:git-new/api'"
	cat <<'Y'
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: kyverno-admission-controller, namespace: kyverno, labels: {app.kubernetes.io/component: admission-controller}}
spec:
  selector: {matchLabels: {app: kyverno}}
  template:
    metadata: {labels: {app: kyverno}}
    spec:
      containers:
      - {name: kyverno, image: "ghcr.io/kyverno/kyverno:v1.13.4", args: [--enablePolicyException=true, --exceptionNamespace=policy-exceptions]}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: require-team, annotations: {policies.kyverno.io/title: Require a team label, policies.kyverno.io/category: Ownership}}
spec:
  validationFailureAction: Enforce
  background: true
  rules:
  - name: check-team
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate: {message: the label `team` is required, pattern: {metadata: {labels: {team: "?*"}}}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: api, namespace: argocd}
spec:
  project: default
  source: {repoURL: "https://git.example.com/shop.git", path: api, targetRevision: main}
  destination: {server: "https://kubernetes.default.svc", namespace: git-new}
  syncPolicy: {automated: {prune: false, selfHeal: true}}
Y
} | k apply -f - >>"$dir/setup.log" 2>&1
result $? "good revisions, a policy and an Application" "$(grep -v 'created$' "$dir/setup.log")"

mkdir "$dir/world"
good=1111111111111111111111111111111111111111 broken=2222222222222222222222222222222222222222
echo "$good registry.example.com/api:1.0" >"$dir/world/git"
for v in new old; do echo "cost-$v batch 42 6"; done >"$dir/world/cost"
/usr/bin/python3 "$here/tests/e2e/cluster_world.py" "$run/pki" "$API" "$dir/world" >"$dir/world.log" 2>&1 &
engine=$!
until_true 30 test -s "$dir/world/ports"
result $? "Kyverno's, Argo CD's and OpenCost's stand-ins are up" "$(cat "$dir/world.log")"
read -r hook cost <"$dir/world/ports"
for d in crash-new/ledger crash-old/ledger policy-new/report policy-old/report end-old/nightly eyes-new/vault-ui git-new/api; do
	k -n "${d%/*}" rollout status "deployment/${d#*/}" --timeout=60s >>"$dir/setup.log" 2>&1 || result 1 "$d runs" "$(tail -n 2 "$dir/setup.log")"
done
synced() { [ "$(k -n argocd get application api -o 'jsonpath={.status.history[-1:].revision}')" = "$1" ]; }
until_true 20 synced $good
result $? "the Application is synced once" "$(k -n argocd get application api -o yaml; cat "$dir/world.log")"
k -n git-new set image deployment/api api=registry.example.com/api:hand-made >/dev/null
reverted() { [ "$(image git-new api)" = registry.example.com/api:1.0 ]; }
until_true 20 reverted
result $? "what is changed beside Git there is set back by selfHeal" "$(image git-new api)"
webhook() { # NAME GROUP VERSION RESOURCES OPERATIONS SELECTOR
	printf -- '---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: %s}\nwebhooks:\n' "$1"
	shift
	while [ $# -gt 0 ]; do
		printf -- '- {name: %s, sideEffects: None, admissionReviewVersions: [v1], timeoutSeconds: 10, failurePolicy: Fail, namespaceSelector: {%s}, clientConfig: {url: "https://127.0.0.1:%s/validate", caBundle: %s}, rules: [{apiGroups: ["%s"], apiVersions: ["*"], resources: [%s], operations: [%s]}]}\n' \
			"$1" "$5" "$hook" "$(base64 -w0 "$run/pki/ca.crt")" "$2" "$3" "$4"
		shift 5
	done
}
on='matchLabels: {policy: "on"}'
webhook kyverno-resource-validating validate.kyverno.svc-fail "" pods CREATE "$on" validate.kyverno.svc-fail-apps apps deployments "CREATE, UPDATE" "$on" \
	validate-exception.kyverno.svc kyverno.io policyexceptions "CREATE, UPDATE" "" | k apply -f - >>"$dir/setup.log" 2>&1
result $? "the admission webhook is registered" "$(tail -n 3 "$dir/setup.log")"
pod_try() { # NAMESPACE APP: would the server take another of its pods? Its words.
	printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s-5d8f9c7b6d-x2x4z, namespace: %s, labels: {app: %s}}\nspec: {containers: [{name: c, image: "registry.example.com/c:1"}]}\n' "$2" "$1" "$2" |
		k create --dry-run=server -f - 2>&1
}
refused() { pod_try "$@" | grep -q 'blocked due to the following policies'; }
until_true 20 refused policy-new report
result $? "a pod without the label is refused, in Kyverno's words" "$(pod_try policy-new report)"

# ---- two engines: the first by the newest kubectl, the second by 1.20, through a proxy and by a clock that can be moved ----
# Different namespaces to look after and to hold their Leases in: here they are like two clusters. That half of what runs there fails is the test's doing,
# and no storm.
chmod 711 "$dir"
prog=$dir/neuroscale-tui # where other users may run it
cp "$P" "$prog" && chmod 755 "$prog"
kubectl --kubeconfig "$config" proxy --port=0 >"$dir/proxy.log" 2>&1 &
engine="$engine $!"
until_true 20 grep -q '^Starting to serve on' "$dir/proxy.log"
printf 'apiVersion: v1\nkind: Config\ncurrent-context: t\nclusters: [{name: t, cluster: {server: "http://%s"}}]\ncontexts: [{name: t, context: {cluster: t, user: u}}]\nusers: [{name: u, user: {}}]\n' \
	"$(sed -n 's/^Starting to serve on //p' "$dir/proxy.log")" >"$dir/proxied.kubeconfig"
chmod 600 "$dir/proxied.kubeconfig"
clock() { # MINUTES ahead
	/usr/bin/python3 -c 'import sys,time; print("1:%d:%d" % (time.clock_gettime(time.CLOCK_BOOTTIME) * 1000, (time.time() + 60 * int(sys.argv[1])) * 1000))' "$1"
}
alerts=127.0.0.1:${ports}9097 eyes=
group=nogroup first=nobody second=_apt
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && [ "$(id -gn $first 2>/dev/null)" = $group ] && [ "$(id -gn $second 2>/dev/null)" = $group ]; then
	eyes="--four-eyes --approvers $group"
else
	skip "two people must agree" "needs root and two users of the group $group"
fi
commas() { spaces "$1" | tr -s ' \n' ',' | sed 's/,$//'; }
start_engine() { # HALF KUBECONFIG KUBECTL OPTIONS...
	half=$1 kubeconfig=$2 with=$3
	shift 3
	"$prog" --headless --log-format json --state-dir "$dir/$half.state" --kubeconfig "$kubeconfig" --kubectl "$with" --profile approve --namespaces "$(commas "$half")" \
		--lease-namespace "lease-$half" --storm-workloads 1000 --opencost "http://127.0.0.1:$cost" --cost-every 10s --exception-ttl 1h "$@" </dev/null >>"$dir/$half.log" 2>&1 &
	last=$!
	engine="$engine $last"
}
verb() { half=$1; shift; "$prog" "$@" --state-dir "$dir/$half.state" 2>>"$dir/verbs.log"; }
# shellcheck disable=SC2086 # words
start_engine new "$config" "$newest" --alertmanager-listen "$alerts" $eyes
new=$last
start_engine old "$dir/proxied.kubeconfig" "$oldest" --clock "$(clock 0)"
old=$last
for v in new old; do
	until_true 30 grep -q '"watching ' "$dir/$v.log"
	result $? "$v: the engine watches" "$(tail -n 3 "$dir/$v.log")"
done

# ---- what goes wrong ----
{
	for v in new old; do
		deployment oom-$v cart cart:2.1.0 1 128Mi ", fake.test/oom-below: 256Mi"
		deployment crash-$v ledger ledger-crash:2.0 1 256Mi
	done
	deployment eyes-new vault-ui ui-crash:2.0 1 256Mi "" "      volumes: [{name: cache, emptyDir: {}}]"
} | k apply -f - >>"$dir/setup.log" 2>&1
for v in new old; do k -n policy-$v scale deployment report --replicas=2 >>"$dir/setup.log"; done # the second pod is refused
echo "$broken registry.example.com/api-crash:2.0" >>"$dir/world/git"
# That a Deployment has no replicas is no failure by itself: whoever misses it tells, by Alertmanager.
alert() { # STATUS ENDS
	curl -s -o "$dir/alert.log" -w '%{http_code}' -H 'Content-Type: application/json' --data-binary @- "http://$alerts/alertmanager" <<Y
{"version": "4", "groupKey": "g", "status": "$1", "receiver": "neuroscale", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
 "alerts": [{"status": "$1", "labels": {"alertname": "KubeDeploymentReplicasMismatch", "namespace": "zero-new", "deployment": "idle", "severity": "critical"},
  "annotations": {"summary": "nothing serves"}, "startsAt": "$(date -u -d '-5 minutes' +%Y-%m-%dT%H:%M:%SZ)", "endsAt": "$2", "generatorURL": "", "fingerprint": "f00d"}]}
Y
}
[ "$(alert firing 0001-01-01T00:00:00Z)" = 200 ]; result $? "an alert of Alertmanager is taken" "$(cat "$dir/alert.log")"

# "id state verdict digest ns" of the newest incident of a namespace; digest is "-" where nothing waits.
cat >"$dir/row.py" <<'Y'
import json, sys
incidents, approvals, ns = json.load(open(sys.argv[1])), json.load(open(sys.argv[2])), sys.argv[3]
i = max((i for i in incidents if i["ns"] == ns), key=lambda i: i["id"], default=None)
if i:
    digest = [a["digest"] for a in approvals if a["incident"] == i["id"] and a["digest"]]
    print(i["id"], i["state"], (i["verdict"] or "-").replace(" ", "_"), digest[0] if digest else "-", ns)
Y
row() { # HALF NAMESPACE
	verb "$1" incidents --json >"$dir/i.json" && verb "$1" approvals --json >"$dir/a.json" && /usr/bin/python3 "$dir/row.py" "$dir/i.json" "$dir/a.json" "$2"
}
word() { # N WORDS...
	shift "$1"
	echo "$1"
}
half() { case $1 in *-old) echo old ;; *) echo new ;; esac; }
id_in() { word 1 $(row "$(half "$1")" "$1") 0; }
is() { # NAMESPACE STATE...: its incident is in one of these
	ns=$1 state=$(word 2 $(row "$(half "$1")" "$1") - -)
	shift
	for s in "$@"; do [ "$state" != "$s" ] || return 0; done
	return 1
}
asked() { [ "$(word 4 $(row "$(half "$1")" "$1") - - - -)" != - ]; }
told() { h=$(half "$1"); verb "$h" incident "$(id_in "$1")"; } # all that is known, for a person

changes="oom-new crash-new cost-new policy-new oom-old crash-old cost-old policy-old end-old zero-new${eyes:+ eyes-new}"
for ns in $changes; do
	until_true 90 asked "$ns"
	result $? "$ns: diagnosed, planned, tried by a dry-run, and asked" "$(told "$ns"; grep -c . "$dir/$(half "$ns").log")"
done
target() { # NAMESPACE: its Deployment
	case $1 in oom-*) echo cart ;; crash-*) echo ledger ;; cost-*) echo batch ;; policy-*) echo report ;; end-*) echo nightly ;; eyes-*) echo vault-ui ;; zero-*) echo idle ;; *) echo api ;; esac
}
exception() { # NAMESPACE JSONPATH: of the PolicyException that excepts what is in NAMESPACE
	k -n policy-exceptions get policyexceptions.kyverno.io -o json | /usr/bin/python3 -c 'import json,sys
for x in json.load(sys.stdin)["items"]:
    if x["metadata"]["annotations"]["neuroscale.io/workload"].startswith(sys.argv[1] + "/"):
        print(json.dumps([x["apiVersion"], x["spec"]["match"]["any"][0]["resources"]["names"], x["metadata"]["labels"].get("cleanup.kyverno.io/ttl")]))' "$1"
}
dry=$(k get --raw /metrics | awk '/^apiserver_request_total\{/ && /dry_run="All"/ && (/resource="deployments".*verb="PATCH"/ || /resource="policyexceptions".*verb="POST"/) { s += $NF } END { print s + 0 }')
[ "${dry:-0}" -ge "$(echo "$changes" | wc -w)" ]; result $? "the server tried each of them and kept none" "dry runs: ${dry:-none}"
[ "$(limit oom-new cart) $(limit oom-old cart) $(image crash-new ledger) $(replicas cost-new batch) $(exception policy-new)$(exception end-old)" = \
	"128Mi 128Mi registry.example.com/ledger-crash:2.0 3/3 " ]; result $? "nothing was changed by that on the server"
for ns in $changes git-new; do id_in "$ns" >"$dir/id.$ns"; done # what still fails in the end is another incident then
for ns in $changes; do generation "$ns" "$(target "$ns")" >"$dir/before.$ns"; done
since() { expr "$(generation "$1" "$(target "$1")")" - "$(cat "$dir/before.$1")"; } # NAMESPACE: changes of the Deployment since

# ---- what a tool deploys goes to a person, as the exact command ----
until_true 60 is git-new manual_review
result $? "git-new: it is a person's" "$(told git-new)"
told git-new >"$dir/git"
verb new incident "$(id_in git-new)" --json | /usr/bin/python3 -c 'import json,sys; print(json.load(sys.stdin)["manual_command"])' >"$dir/command" 2>>"$dir/verbs.log"
grep -q 'kubectl --context t -n argocd patch applications.argoproj.io/api' "$dir/command" && [ "$(generation git-new api)" -eq 4 ] # made, changed by hand, set back, and the bad commit
result $? "git-new: with the exact command, and nothing is sent" "$(cat "$dir/git")"
grep -q 'argocd app diff api' "$dir/git" && grep -q 'It stays paused' "$dir/git"
result $? "git-new: with what to look at first, and how it is given back" "$(cat "$dir/git")"

# ---- yes ----
approve() { # NAMESPACE [USER...]: the newest plan of it
	ns=$1 h=$(half "$1")
	shift
	# shellcheck disable=SC2046 # words
	set -- $(row "$h" "$ns") -- "$@"
	id=$1 digest=$4
	shift 6
	approval=$(/usr/bin/python3 -c 'import json,sys; print([a["id"] for a in json.load(open(sys.argv[1])) if a["digest"] == sys.argv[2]][0])' "$dir/a.json" "$digest" 2>/dev/null) || return 1
	if [ $# -gt 0 ]; then
		setpriv --reuid="$1" --regid="$(id -g "$1")" --clear-groups "$prog" approve "$approval" --digest "$digest" --reason test --state-dir "$dir/$h.state"
	else
		verb "$h" approve "$approval" --digest "$(printf %.12s "$digest")" --reason test
	fi >>"$dir/approve.log" 2>&1
}
if [ -n "$eyes" ]; then
	approve eyes-new "$first"
	result $? "eyes-new: a first person says yes" "$(tail -n 3 "$dir/approve.log")"
	asked eyes-new && is eyes-new awaiting_approval && [ "$(since eyes-new)" -eq 0 ]
	result $? "eyes-new: that changes nothing yet: its risk is high" "$(told eyes-new)"
	approve eyes-new "$first"
	[ $? -ne 0 ] && is eyes-new awaiting_approval
	result $? "eyes-new: the same person a second time does not count" "$(tail -n 3 "$dir/approve.log")"
	approve eyes-new "$second"
	result $? "eyes-new: a second person says yes" "$(tail -n 3 "$dir/approve.log")"
fi
for ns in $changes; do
	[ "$ns" = eyes-new ] || { until_true 20 approve "$ns"; result $? "$ns: approved" "$(tail -n 3 "$dir/approve.log" "$dir/verbs.log")"; }
done

# ---- what stands on the server then ----
sent() { is "$1" verifying resolved; }
for ns in $changes; do
	until_true 40 sent "$ns"
	result $? "$ns: sent" "$(told "$ns")"
done
for v in new old; do
	[ "$(limit oom-$v cart)" = 256Mi ]; result $? "oom-$v: the limit is 256Mi" "$(limit oom-$v cart)"
	[ "$(image crash-$v ledger)" = registry.example.com/ledger:1.0 ]; result $? "crash-$v: the good image is back" "$(image crash-$v ledger)"
	case $(replicas cost-$v batch) in 1/*) true ;; *) false ;; esac
	result $? "cost-$v: one replica" "$(replicas cost-$v batch)"
	[ "$(exception policy-$v)" = '["kyverno.io/v2", ["report"], "1h"]' ]; result $? "policy-$v: an exception of the version that is served, for that workload" "$(exception policy-$v)"
done
case $(replicas zero-new idle) in 1/*) true ;; *) false ;; esac
result $? "zero-new: one replica" "$(replicas zero-new idle)"
[ -z "$eyes" ] || [ "$(image eyes-new vault-ui)$(k -n eyes-new get deployment vault-ui -o 'jsonpath={.spec.template.spec.volumes}')" = registry.example.com/ui:1.0 ]
result $? "eyes-new: the good revision is back" "$(image eyes-new vault-ui)"
for ns in $changes; do
	case $ns in policy-* | end-*) want=0 ;; *) want=1 ;; esac
	[ "$(since "$ns")" -eq $want ]; result $? "$ns: exactly $want change of the Deployment" "$(since "$ns")"
done
for ns in policy-new policy-old end-old; do
	! refused $ns "$(target $ns)" && refused $ns other && refused $ns "$(target $ns)-admin"
	result $? "$ns: its pods are admitted, those of others and of $(target $ns)-admin are not" "$(pod_try $ns "$(target $ns)")"
done
served() { [ "$(replicas policy-new report)" = 2/2 ] && [ "$(replicas policy-old report)" = 2/2 ]; }
until_true 90 served
result $? "the pods that were refused are made" "$(replicas policy-new report) $(replicas policy-old report)"

# ---- the person runs the command for Argo CD, and gives it back ----
if command -v jq >/dev/null; then
	KUBECONFIG=$config sh -c "$(cat "$dir/command")" >"$dir/command.log" 2>&1
	[ $? -eq 0 ] && [ -z "$(k -n argocd get application api -o 'jsonpath={.spec.syncPolicy.automated}')" ]
	result $? "git-new: the command does as it is shown, auto-sync is paused" "$(cat "$dir/command" "$dir/command.log")"
	until_true 20 synced $good
	result $? "git-new: Argo CD went back to the revision before" "$(k -n argocd get application api -o 'jsonpath={.status}')"
	until_true 20 reverted
	result $? "git-new: the good image is on the server" "$(image git-new api)"
	echo "3333333333333333333333333333333333333333 registry.example.com/api:1.0" >>"$dir/world/git"
	KUBECONFIG=$config sh -c "$(sed -n 's/.* is given back\. .*: \(kubectl --context t -n argocd patch .*\)/\1/p' "$dir/git")" >"$dir/restore.log" 2>&1
	[ "$(k -n argocd get application api -o 'jsonpath={.spec.syncPolicy.automated.selfHeal}')" = true ]
	result $? "git-new: given back to auto-sync as it was" "$(cat "$dir/restore.log" "$dir/git")"
	until_true 120 is git-new resolved
	result $? "git-new: its recovery is seen" "$(told git-new)"
else
	skip "git-new: the command does as it is shown" "no jq"
fi

# ---- FIXED ----
idle_serves() { [ "$(replicas zero-new idle)" = 1/1 ]; }
until_true 60 idle_serves
[ "$(alert resolved "$(date -u +%Y-%m-%dT%H:%M:%SZ)")" = 200 ]; result $? "zero-new: it serves, the alert ends" "$(replicas zero-new idle) $(cat "$dir/alert.log")"
fixed() { [ "$(word 3 $(row "$(half "$1")" "$1") - - -)" = FIXED ]; }
for ns in $changes; do
	until_true 240 fixed "$ns"
	result $? "$ns: verified FIXED" "$(told "$ns")"
done

# ---- taken back ----
undo() { # NAMESPACE: asks for its undo by the digest that is shown
	h=$(half "$1") id=$(id_in "$1")
	verb "$h" undo "$id" >"$dir/undo"
	[ $? -eq 2 ] && verb "$h" undo "$id" --digest "$(sed -n 's/.*--digest //p' "$dir/undo")" --reason test >>"$dir/approve.log"
}
for ns in $changes; do
	[ "$ns" = end-old ] || [ "$ns" = zero-new ] || { undo "$ns"; result $? "$ns: the undo is shown, then asked for" "$(cat "$dir/undo"; tail -n 2 "$dir/verbs.log")"; }
done
verb new undo "$(id_in zero-new)" >"$dir/undo" 2>&1
[ $? -ne 0 ] && ! grep -q -- --digest "$dir/undo"; result $? "zero-new: nothing scales it back to nothing" "$(cat "$dir/undo")"
back() { told "$1" | grep -q 'note  *taken back' && is "$1" manual_review; }
for ns in $changes; do
	[ "$ns" = end-old ] || [ "$ns" = zero-new ] || { until_true 60 back "$ns"; result $? "$ns: taken back" "$(told "$ns")"; }
done
disarmed='["kyverno.io/v2", ["DISARMED"], "1h"]'
for v in new old; do
	[ "$(limit oom-$v cart)" = 128Mi ]; result $? "oom-$v: the limit is 128Mi again" "$(limit oom-$v cart)"
	[ "$(image crash-$v ledger)" = registry.example.com/ledger-crash:2.0 ]; result $? "crash-$v: its revision is back" "$(image crash-$v ledger)"
	case $(replicas cost-$v batch) in 3/*) true ;; *) false ;; esac
	result $? "cost-$v: three replicas again" "$(replicas cost-$v batch)"
	[ "$(exception policy-$v)" = "$disarmed" ] && refused policy-$v report
	result $? "policy-$v: the exception is disarmed, and its pods are refused again" "$(exception policy-$v)"
done
if [ -n "$eyes" ]; then
	[ "$(image eyes-new vault-ui)$(k -n eyes-new get deployment vault-ui -o 'jsonpath={.spec.template.spec.volumes[0].name}')" = registry.example.com/ui-crash:2.0cache ]
	result $? "eyes-new: its revision is back" "$(image eyes-new vault-ui)"
fi

# ---- an exception ends by itself: an hour and a minute later ----
[ "$(exception end-old)" = '["kyverno.io/v2", ["nightly"], "1h"]' ]; result $? "end-old: the exception that nobody took back stands" "$(exception end-old)"
kill -TERM "$old"
wait "$old"
result $? "old: SIGTERM ends the engine with status 0"
start_engine old "$dir/proxied.kubeconfig" "$oldest" --clock "$(clock 61)"
old=$last
ended() { [ "$(exception end-old)" = "$disarmed" ]; }
until_true 60 ended
result $? "end-old: at its end it is disarmed" "$(exception end-old; tail -n 5 "$dir/old.log")"
refused end-old nightly; result $? "end-old: its pods are refused again" "$(pod_try end-old nightly)"
"$prog" policy exceptions --kubeconfig "$config" >"$dir/exceptions" 2>&1
[ "$(grep -c disarmed "$dir/exceptions")" -ge 3 ]; result $? "\`policy exceptions\` lists all three as disarmed" "$(cat "$dir/exceptions")"

# ---- the record ----
for ns in $changes git-new; do
	h=$(half "$ns") id=$(cat "$dir/id.$ns")
	verb "$h" gate explain "$id" >"$dir/gate"
	result $? "$ns: gate explain" "$(cat "$dir/gate"; tail -n 2 "$dir/verbs.log")"
	verb "$h" replay "$id" >"$dir/replay" && grep -q ' same, 0 differ' "$dir/replay"
	result $? "$ns: replay derives the same decisions" "$(cat "$dir/replay"; tail -n 2 "$dir/verbs.log")"
done
kill -TERM "$new"
wait "$new"
result $? "new: SIGTERM ends the engine with status 0"
kill -TERM "$old"
wait "$old"
result $? "old: and the other"
for v in new old; do
	verb $v audit verify >"$dir/audit"
	result $? "$v: the audit record is whole" "$(cat "$dir/audit")"
done
[ "$bad" -eq 0 ]
