#!/bin/sh
# alertmanager.sh: the program watches a healthy cluster and is told of it by Alertmanager's webhook: one incident under the alert's own name, that
# nobody acts on, and that ends when the alert is resolved. The receiver refuses what it must.
set -u
B=${B:-build}
P=$(cd "$B" && pwd)/neuroscale-tui
dir=$(mktemp -d) || exit 1
pids=
cleanup() {
	for p in $pids; do kill "$p" 2>/dev/null; done
	wait
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
n=0 bad=0
result() { # STATUS NAME
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=$((bad + 1)); fi
}
HOME=$dir XDG_STATE_HOME=$dir/state XDG_CONFIG_HOME=$dir/config
export HOME XDG_STATE_HOME XDG_CONFIG_HOME
unset KUBECONFIG http_proxy HTTP_PROXY
if ! command -v curl >/dev/null 2>&1; then
	echo "ok 1 - the webhook end to end # SKIP curl is not installed"
	exit 0
fi

# until COMMAND: within 30 s.
until_true() {
	i=0
	while ! "$@" >/dev/null 2>&1; do
		i=$((i + 1))
		[ "$i" -lt 300 ] || return 1
		sleep 0.1
	done
}
say() { # STATUS STARTS_AT
	curl -s -o "$dir/answer" -w '%{http_code}' -H "Authorization: Bearer $token" -H 'Content-Type: application/json' --data-binary @- "$url/alertmanager" <<-END
		{"version":"4","groupKey":"{}","truncatedAlerts":0,"status":"$1","receiver":"neuroscale","groupLabels":{},"commonLabels":{},
		"commonAnnotations":{},"externalURL":"http://am.example:9093","alerts":[{"status":"$1","labels":{"alertname":"CheckoutErrorRateHigh",
		"severity":"page","namespace":"shop","deployment":"checkout","job":"checkout"},"annotations":{"summary":"many errors",
		"description":"12 % of the requests fail"},"startsAt":"$2","endsAt":"0001-01-01T00:00:00Z","fingerprint":"c0ffee0123456789"}]}
	END
}

"$P" sim --scenario healthy --rate 20 >"$dir/sim" 2>&1 &
pids=$!
until_true grep -q '^clock' "$dir/sim"
kubeconfig=$(sed -n 's/^kubeconfig *//p' "$dir/sim") clock=$(sed -n 's/^clock *//p' "$dir/sim")
token=0123456789abcdef0123456789abcdef
printf '%s\n' "$token" >"$dir/token"

umask 022
"$P" --headless --kubeconfig "$kubeconfig" --clock "$clock" --alertmanager-listen 0.0.0.0:0 >"$dir/out" 2>&1
status=$?
[ "$status" -eq 4 ] && grep -q alertmanager-token-file "$dir/out"; result $? "beyond loopback it wants a token, and says how ($status)"
chmod 644 "$dir/token"
"$P" --headless --kubeconfig "$kubeconfig" --clock "$clock" --alertmanager-listen 127.0.0.1:0 --alertmanager-token-file "$dir/token" >"$dir/out" 2>&1
status=$?
[ "$status" -eq 4 ] && grep -q 'chmod 600' "$dir/out"; result $? "a token that others can read is refused ($status)"
chmod 600 "$dir/token"

"$P" --headless --profile auto --kubeconfig "$kubeconfig" --clock "$clock" --alertmanager-listen 127.0.0.1:0 --alertmanager-token-file "$dir/token" \
	>"$dir/log" 2>&1 &
pids="$pids $!"
engine=$!
until_true grep -q 'watching' "$dir/log"; result $? "the engine watches"
url=http://127.0.0.1:$(sed -n 's/.*webhook.*port=\([0-9]*\).*/\1/p' "$dir/log" | head -n 1)
[ "$(curl -s -o "$dir/answer" -w '%{http_code}' "$url/-/healthy")" = 200 ]; result $? "it says that it is healthy"
[ "$(token=wrong; say firing 2026-01-01T00:00:00Z)" = 401 ]; result $? "a wrong token is refused"
incidents() { "$P" incidents --json | grep -o '"kind":"external"' | wc -l; }

start=$(date -u +%Y-%m-%dT%H:%M:%SZ)
[ "$(say firing "$start")" = 200 ]; result $? "an alert is taken: $(cat "$dir/answer")"
[ "$(say firing "$start")" = 200 ]; result $? "and taken again when it is repeated"
settled() { "$P" incidents --json | grep '"kind":"external"' | grep -q '"state":"\(manual_review\|awaiting_approval\)"'; }
until_true settled; result $? "it becomes an incident that waits for a person, in profile auto"
"$P" incidents --json >"$dir/incidents"
grep -q 'CheckoutErrorRateHigh' "$dir/incidents" && grep -q '12 % of the requests fail' "$dir/incidents"; result $? "under its own name and words"
[ "$(incidents)" -eq 1 ]; result $? "there is one"
[ "$(say resolved "$start")" = 200 ]; result $? "its end is taken"
closed() { "$P" incidents --json | grep '"kind":"external"' | grep -q '"state":"\(resolved\|withdrawn\)"'; }
until_true closed; result $? "and closes the incident"
kill -TERM "$engine"
wait "$engine"; result $? "the engine stops"
grep -q ' executing' "$dir/log"; [ $? -ne 0 ]; result $? "nothing was done to the cluster"
[ "$bad" -eq 0 ] || sed 's/^/# /' "$dir/log" "$dir/incidents"
[ "$bad" -eq 0 ]
