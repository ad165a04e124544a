#!/bin/sh
# run.sh [SECONDS [NAME...]]: each fuzz target (or fuzz_NAME only) for SECONDS (20), with clang's libFuzzer and the address and undefined
# sanitizers. What breaks is kept beside the seeds in $B/fuzz. B: build directory (build).
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-20}
B=${B:-build}
out=$B/fuzz
command -v clang >/dev/null 2>&1 || { echo "run.sh: clang is missing: sh contrib/deps.sh --dev" >&2; exit 3; }
mkdir -p "$out"
make -s B="$B" "$B/gen/runbooks_data.h" "$B/gen/themes_data.h" "$B/gen/prompts_data.h" "$B/gen/prices_data.h"
flags='-std=c17 -g -O1 -fno-omit-frame-pointer -D_GNU_SOURCE -Iinclude'
sanitize='-fsanitize=address,undefined -fno-sanitize-recover=undefined'
sources=$(ls src/base/*.c src/sys/*.c src/model/*.c src/config/*.c src/kube/*.c src/runbook/*.c src/llm/*.c \
	src/policy/*.c src/gitops/*.c src/agents/planner*.c src/agents/executor*.c \
	src/agents/alertmanager.c src/agents/alertmanager_subject.c src/agents/alertmanager_pulse.c)
# One object each, so that a second run compiles only what changed; as many at once as there are processors. Flags are words.
for s in $sources; do
	o=$out/$(echo "$s" | tr / _).o
	if [ ! -e "$o" ] || [ -n "$(find include src -newer "$o" \( -name '*.h' -o -path "$s" \))" ]; then
		echo "$s $o"
	fi
done >"$out/stale"
FLAGS="$flags -I$B/gen $sanitize -fsanitize=fuzzer-no-link"
export FLAGS
# shellcheck disable=SC2016
xargs -r -P "$(nproc)" -n 2 sh -c 'exec clang $FLAGS -DNS_VERSION="\"fuzz\"" -c -o "$1" "$0"' <"$out/stale"
failed=0
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
for name; do
	t=tests/fuzz/fuzz_$name.c name=fuzz_$name
	# shellcheck disable=SC2086
	clang $flags -Itests $sanitize -fsanitize=fuzzer -o "$out/$name" "$t" "$out"/src_*.o -lcmocka -lcjson -lyaml -lcurl -lcrypto -lm -lpthread
	seeds=$out/$name.seeds
	mkdir -p "$seeds"
	case $name in
	fuzz_runbook) cp runbooks/oomkill-increase-memory.md "$seeds/" ;;
	fuzz_yaml) cp themes/*.yaml "$seeds/" ;;
	fuzz_pick) printf '{"metadata":{"name":"a\\u00e9","labels":{"a.b/c":"d"}},"a":{"b":[1,2.5e3,{"c":null}],"c":{"d":9007199254740993}},"items":[{"x":1},[[{"z":"}]\\""}]]]}' >"$seeds/one" ;;
	fuzz_json) printf '{"a":{"b":[1,2.5e3,"x\\u00e9",null,true,9007199254740993]}}' >"$seeds/one" ;;
	fuzz_kubeconfig) printf 'apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {server: "https://127.0.0.1:1", insecure-skip-tls-verify: true}\ncontexts:\n- name: s\n  context: {cluster: c, user: u, namespace: n}\ncurrent-context: s\nusers:\n- name: u\n  user: {token: x}\n' >"$seeds/one" ;;
	fuzz_watch) printf '\200\007{"kind":"PodList","metadata":{"resourceVersion":"5","continue":"t"},"items":[{"metadata":{"name":"p","resourceVersion":"4","managedFields":[{"a":"}]\\""}]},"spec":{"containers":[{"name":"c"}]},"status":{"a":"\\u0000\\ud83d\\ude00"}}]}    {"type":"MODIFIED","object":{"metadata":{"name":"p","resourceVersion":"6"}}}\n{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}\n{"type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old"}}\n' >"$seeds/one" ;;
	fuzz_text) printf 'password=hunter2 Authorization: Bearer abcdef0123456789 \033[31mred\033[0m \342\200\256' >"$seeds/one" ;;
	fuzz_alertmanager) printf '{"version":"4","status":"firing","receiver":"r","truncatedAlerts":0,"groupLabels":{},"commonLabels":{},"commonAnnotations":{},"alerts":[{"status":"firing","labels":{"alertname":"KubePodCrashLooping","namespace":"shop","exported_pod":"web-1","severity":"page","cluster":"eu","workload":"web","workload_type":"deployment"},"annotations":{"description":"token=hunter2","runbook_url":"https://x"},"startsAt":"2026-01-01T00:00:00.5+01:00","endsAt":"0001-01-01T00:00:00Z","fingerprint":"a1b2"},{"status":"resolved","labels":{"alertname":"Watchdog","instance":"n1:9100"},"startsAt":"2026-01-01T00:00:00Z"}]}' >"$seeds/one" ;;
	fuzz_reply) printf 'So: ```json\n{"root_cause":"web in shop was OOMKilled at 128Mi","confidence":0.9,"action_type":"patch_resources","risk_level":"low","auto_remediate":true,"reasoning":"exit code 137 \\u00e9","claims":[{"text":"x","evidence":["E1"]}]}\n```' >"$seeds/one" ;;
	fuzz_stream) printf 'data: {"id":"r","choices":[{"delta":{"content":"he"},"finish_reason":null}]}\r\n\r\n:HTTP_STATUS/400\nevent:error\ndata:{"code":"Throttling","message":"<400> x: y"}\n\ndata: [DONE]\n\n' >"$seeds/one" ;;
	fuzz_redact) printf '\033[1mpassword\033[0m: "hunter2" curl -u a:b mysql -px -----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\nkind: Secret\ndata:\n  a: Yg==\n' >"$seeds/one" ;;
	fuzz_plan) for kind in 0 1 2 3; do { printf '%b' "\\00$kind"; head -c 200 /dev/zero; } >"$seeds/$kind"; done ;;
	fuzz_argv) printf 'approve\n3\n--digest\n0123456789\n--profile=auto\n--cooldown\n5m\n--scale-max\n7' >"$seeds/one" ;;
	esac
	if "$out/$name" -max_total_time="$seconds" -max_len=8192 -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$out/$name-" \
		"$seeds" >"$out/$name.log" 2>&1; then
		printf '%-18s %s runs, nothing found\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$name.log")"
	else
		failed=$((failed + 1))
		echo "$name BROKE:"
		grep -m 3 -E 'ERROR|runtime error|tests/fuzz|Test unit written' "$out/$name.log"
	fi
done
[ "$failed" -eq 0 ]
