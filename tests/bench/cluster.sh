#!/bin/sh
# cluster.sh DIR: the first list of PODS (5000) pods on a real control plane, beside what curl and kubectl need for the same. B: build directory.
#
#   KUBEBUILDER_ASSETS=DIR   etcd, kube-apiserver, kube-controller-manager, kube-scheduler (the envtest convention); not set: said and left out
#   NS_KUBE_SCRIPTS=DIR      up.sh, down.sh, scale.sh; default: ../shared/kube beside the checkout
set -u
what='first list on a real control plane'
absent() { printf '%-46s left out: %s\n' "$what" "$1"; exit 0; }
[ -n "${KUBEBUILDER_ASSETS-}" ] || absent "KUBEBUILDER_ASSETS is not set"
here=$(cd "$(dirname "$0")/../.." && pwd)
scripts=${NS_KUBE_SCRIPTS:-$here/../shared/kube}
for f in up.sh down.sh scale.sh; do [ -f "$scripts/$f" ] || absent "$scripts/$f is not there"; done
for f in kubectl curl bash awk; do command -v $f >/dev/null 2>&1 || absent "$f is not installed"; done
B=${B:-build}
probe=$B/bench/probe
dir=$1
pods=${PODS:-5000}
ports=
for p in 3 2 1; do
	curl -sk --max-time 1 "https://127.0.0.1:${p}6443/readyz" >/dev/null 2>&1 || { ports=$p; break; }
done
[ -n "$ports" ] || absent "the ports are in use by others"
export KUBE_HOME="$dir/kube" KUBE_PORTS=$ports
mkdir -p "$KUBE_HOME"
trap 'bash "$scripts/down.sh" 1.20 >/dev/null 2>&1' EXIT
trap 'exit 130' INT TERM
NOSCHED=1 NOFAKELET=1 bash "$scripts/up.sh" 1.20 >"$dir/up.log" 2>&1 || absent "it does not start: $(tail -n 1 "$dir/up.log")"
bash "$scripts/scale.sh" "$pods" 1.20 >"$dir/pods.log" 2>&1 || absent "no pods: $(tail -n 1 "$dir/pods.log")"
config=$KUBE_HOME/run/1.20/admin.kubeconfig
left=$(kubectl --kubeconfig "$config" get --raw '/api/v1/pods?limit=1' | sed -n 's/.*"remainingItemCount":\([0-9]*\).*/\1/p')
[ "$((${left:-0} + 1))" -ge "$pods" ] || absent "only $((${left:-0} + 1)) pods came to be: $(tail -n 1 "$dir/pods.log" | cut -c1-200)"
# The best of five (kubectl: of two), taken by turns: what else runs here only slows. The server's caches are warm for all.
: >"$dir/sync" && : >"$dir/pages" && : >"$dir/kubectl"
"$probe" pages "$config" >/dev/null || absent "the pods cannot be listed"
for round in 1 2 3 4 5; do
	"$probe" pages "$config" >>"$dir/pages"
	"$probe" sync "$config" >>"$dir/sync"
	[ $round -gt 2 ] || HOME=$dir "$probe" run kubectl --kubeconfig "$config" get pods -A -o json >>"$dir/kubectl"
done
best() { sort -n "$dir/$1" | head -n 1; }
# shellcheck disable=SC2046  # four numbers each
set -- $(best sync) $(best pages) $(best kubectl)
[ $# -eq 12 ] || absent "one of the three gave no figure"
echo "$*" | awk -v what="$what" -v pods="$pods" '{
	printf "%-46s %d pods, %.0f MB: %d ms; peak %.1f MiB; CPU %d ms\n", what, pods, $7 / 1e6, $1, $2 / 1024, $4
	printf "%-46s %.2f times the %d ms of curl for the same pages to nowhere   goal: <= 1.5\n", "  compared with", $1 / $5, $5
	printf "%-46s %.1f times faster than kubectl get pods -A -o json (%d ms)   goal: >= 8\n", "", $9 / $1, $9
	printf "%-46s 1/%.0f of its peak (%.0f MiB)   goal: <= 1/15\n", "", $10 / $2, $10 / 1024
}'
