#!/bin/sh
# lint.sh 'ROOM: USES...' ...: what a compiler does not see. Prints findings as "file:line: words" and exits 1 when there is one; what was not
# looked at because a tool is absent stands at the end. Run by `make lint` from the top of the tree, which hands in the allowed directions.
#
# clang-tidy looks at the files that differ from HEAD, or at all with LINT_ALL=1; what it found clean is remembered by content.
set -u
B=${B-build}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
: >"$tmp/findings"
skipped=

# ---- the code without comments, once with and once without the text of its strings: "file:line:code" ----
strip() { # $1: 1 blanks strings
	find src include -name '*.[ch]' -exec awk -v blank="$1" '
	FNR == 1 { inside = 0 }
	{
		line = $0; out = ""
		while (line != "") {
			if (inside) {
				i = index(line, "*/")
				if (!i) break
				line = substr(line, i + 2); inside = 0
			} else if (match(line, /"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047|\/\*|\/\//)) {
				token = substr(line, RSTART, RLENGTH); before = substr(line, 1, RSTART - 1)
				line = substr(line, RSTART + RLENGTH)
				if (token == "/*") { out = out before " "; inside = 1 }
				else if (token == "//") { out = out before; line = "" }
				else out = out before (blank && before !~ /#include/ ? "\"\"" : token)
			} else { out = out line; line = "" }
		}
		print FILENAME ":" FNR ":" out
	}' {} +
}
strip 0 | LC_ALL=C sort -t: -k1,1 -k2,2n >"$tmp/code"
strip 1 | LC_ALL=C sort -t: -k1,1 -k2,2n >"$tmp/bare"

found() { # reads "file:line:code", writes "file:line: words"
	sed "s|^\([^:]*:[0-9]*\):.*|\1: $1|" >>"$tmp/findings"
}
# deny LISTING REGEX FILES WORDS: code that matches REGEX is a finding, but in FILES (a regex, "" none).
deny() {
	grep -E "^[^:]*:[0-9]+:.*($2)" "$tmp/$1" | if [ -n "$3" ]; then grep -vE "^($3):"; else cat; fi | found "$4"
}

# ---- which room may include which ----
for row in "$@"; do
	room=${row%%:*}
	uses=" $room $(printf '%s' "${row#*:}" | tr ',' ' ') "
	grep -E "^(src|include/neuroscale)/$room/[^:]*:[0-9]+:[[:space:]]*#include" "$tmp/code" | while IFS= read -r line; do
		at=${line%%:#*} what=$(printf '%s' "$line" | sed -n 's|.*#include *["<]\([^">]*\)[">].*|\1|p')
		case $what in
		*_priv.h)
			[ -e "src/$room/${what##*/}" ] && [ "$what" = "${what##*/}" ] || echo "$at: $room includes the private $what of another room" ;;
		neuroscale/*)
			other=${what#neuroscale/}; other=${other%%/*}
			case $uses in *" $other "*) ;; *) echo "$at: $room may not use $other ($what); see USES_$room in the Makefile" ;; esac ;;
		../*) echo "$at: $what: headers of other rooms are in include/neuroscale" ;;
		esac
	done >>"$tmp/findings"
done
grep -E '^include/[^:]*:[0-9]+:.*#include.*_priv\.h' "$tmp/code" | found 'a contract includes a private header'

# ---- law 1: one door ----
executor='src/agents/executor[a-z_]*\.[ch]'
starters="src/sys/spawn\.c|include/neuroscale/sys/spawn\.h|src/kube/exec\.c|src/llm/key\.c|src/app/crew\.c|$executor"
deny bare 'posix_spawnp?[[:space:]]*\(' 'src/sys/spawn\.c' 'law 1: processes are started by sys/spawn.c'
deny bare 'ns_spawn_req|ns_spawner_real\.run' "$starters" 'law 1: only the executor (and credential plugins, key commands, and the demo itself) may start a process'
deny bare 'ns_spawner_real' "$starters|src/main\.c|src/engine/engine\.c|src/app/[a-z]*\.c" 'law 1: only main, app and engine hand the real spawner on'
deny bare 'spawner->run' "$executor|src/llm/key\.c" 'law 1: only the executor runs kubectl'
grep -E '^src/app/[^:]*:[0-9]+:.*ns_spawn_req [a-z]+ = ' "$tmp/code" | grep -v '/proc/self/exe' | found 'law 1: the demo starts nothing but itself'
deny bare '(^|[^A-Za-z0-9_>.])(system|popen|fork|vfork|daemon|fexecve|execve|execl|execlp|execle|execv|execvp|execvpe)[[:space:]]*\(' '' \
	'law 1: no system, popen, fork or exec: posix_spawn through sys/spawn.c'
verbs='patch|create|apply|delete|replace|edit|annotate|label|scale|autoscale|rollout|set|exec|cordon|uncordon|drain|taint|run|expose|attach|debug|cp'
grep -E '"(kubectl|-n|--context|--kubeconfig)", *["a-z]' "$tmp/code" | grep -E "\"($verbs)\"" | grep -vE "^($executor|src/agents/planner[a-z_]*\.c):" |
	found 'law 1: a changing kubectl command outside planner and executor'
deny bare 'CURLOPT_(CUSTOMREQUEST|POST|POSTFIELDS|COPYPOSTFIELDS|POSTFIELDSIZE|POSTFIELDSIZE_LARGE|MIMEPOST|HTTPPOST|UPLOAD|PUT|READFUNCTION)' 'src/kube/client\.c|src/llm/http\.c' \
	'law 1: a request other than GET outside kube/client.c (and llm/http.c, which speaks to a model service only)'
deny bare 'kube_send[[:space:]]*\(' 'src/kube/client\.c|src/kube/lease\.c|src/kube/review\.c|src/kube/kube_priv\.h' 'law 1: only the Lease and reviews of oneself may send'
grep -E '^src/kube/[^:]*:[0-9]+:.*"(POST|PUT|PATCH|DELETE)"' "$tmp/code" | grep -vE '^src/kube/(lease|review)\.c:' | grep -vE 'k8s\.io/v1/selfsubject[a-z]*reviews|coordination\.k8s\.io/v1/namespaces/\*/leases' |
	found 'law 1: a request to the cluster that is neither Lease nor a review of oneself'

# ---- one curses, no traps of C ----
curses=$(grep -E '#include *[<"]n?curses' "$tmp/code" | cut -d: -f1 | sort -u)
[ "$(printf '%s\n' "$curses" | grep -c .)" -le 1 ] || printf '%s\n' "$curses" | sed 's/$/:1: more than one file includes curses/' >>"$tmp/findings"
deny bare '(^|[^A-Za-z0-9_>.])(sprintf|vsprintf|strcpy|stpcpy|strcat|gets|strtok|tmpnam|mktemp)[[:space:]]*\(' '' 'use ns_buf, ns_copy or snprintf'
deny bare '(^|[^A-Za-z0-9_>.])(atoi|atol|atoll|atof)[[:space:]]*\(' '' 'use strtol and look at what is left'
deny bare 'setlocale[[:space:]]*\([[:space:]]*LC_(ALL|NUMERIC)' '' 'LC_CTYPE only: a decimal comma would break JSON'
deny bare '(^|[^A-Za-z0-9_>.])(signal|sigaction)[[:space:]]*\(' 'src/main\.c|src/app/[a-z]*\.c|src/sys/[a-z]*\.c|src/tui/(run|term)\.c' \
	'signals are taken by the one thread that does sigwait (the console alone hears its terminal)'
find src include tests -name '*.[ch]' -exec awk 'FNR == 601 { print FILENAME ":601: longer than 600 lines: it has more than one job" }' {} + >>"$tmp/findings"

# ---- tools ----
have() { command -v "$1" >/dev/null 2>&1 || { skipped="$skipped $1"; return 1; }; }

if have cppcheck; then
	mkdir -p "$B/lint/cppcheck"
	# varFuncNullUB: NULL is a pointer in every libc this runs on. legacyUninitvar, ctunullpointer: cannot see through && and across calls.
	cppcheck -q -j2 --std=c11 -Iinclude --cppcheck-build-dir="$B/lint/cppcheck" --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=varFuncNullUB --suppress=legacyUninitvar --suppress=ctunullpointer --template='{file}:{line}: cppcheck: {message} [{id}]' src >"$tmp/cppcheck" 2>&1
	grep -E '^[^ ]+:[0-9]+: cppcheck: ' "$tmp/cppcheck" >>"$tmp/findings"
fi

tidy_files() {
	if [ -n "${LINT_ALL-}" ] || ! git rev-parse -q --verify HEAD >/dev/null 2>&1; then
		find src -name '*.c'
	else
		{ git diff --name-only HEAD -- src; git ls-files --others --exclude-standard -- src; } | grep '\.c$'
	fi | LC_ALL=C sort
}
# What clang-tidy said of a file depends on the file, the project headers it reads, and the rules.
tidy_key() {
	{ cat .clang-tidy; ${CC-cc} -MM -MG -D_GNU_SOURCE -DNS_VERSION='""' -Iinclude -I"$B/gen" "$1" 2>/dev/null | tr -d '\134' | tr ' ' '\012' | grep -E '\.[ch]$' |
		while read -r f; do [ -r "$f" ] && cat "$f"; done; } | sha256sum | cut -c1-40
}
if have clang-tidy && [ -e compile_commands.json ]; then
	mkdir -p "$B/lint/tidy"
	tidy_files | while read -r f; do
		[ -e "$f" ] || continue
		key=$(tidy_key "$f")
		[ -e "$B/lint/tidy/$key" ] || echo "$f $key"
	done >"$tmp/tidy"
	# shellcheck disable=SC2016
	xargs -r -P2 -n2 sh -c 'out=$(clang-tidy -p . --quiet "$1" 2>/dev/null) && : >"$0/$2" || printf "%s\n" "$out"' "$B/lint/tidy" <"$tmp/tidy" >"$tmp/tidied"
	sed -n "s|^$PWD/||; s/^\([^ :]*:[0-9]*\):[0-9]*: \(error\|warning\): \(.*\),-warnings-as-errors\]$/\1: clang-tidy: \3]/p
		s/^\([^ :]*:[0-9]*\):[0-9]*: error: \(.*\[clang-diagnostic-error\]\)$/\1: clang-tidy: \2/p" "$tmp/tidied" | LC_ALL=C sort -u >>"$tmp/findings"
fi

if [ -n "$(find man -name '*.[1-8]' 2>/dev/null)" ] && have mandoc; then
	find man -name '*.[1-8]' -exec mandoc -T lint -W warning {} + 2>/dev/null | sed 's/^mandoc: //' >>"$tmp/findings"
fi

find . -path './build*' -prune -o \( -name '*.sh' -o -path './.ci/run' \) -print | while read -r f; do
	case $(head -n 1 "$f") in *bash*) with='bash' ;; *) with='sh' ;; esac
	"$with" -n "$f" 2>&1 | sed "s|^.*: line |$f:|; s|^$f: \([0-9]*\):|$f:\1:|"
done >>"$tmp/findings"

# ---- verdict ----
cat "$tmp/findings"
n=$(grep -c . "$tmp/findings")
[ -z "$skipped" ] || echo "lint: skipped, not installed:$skipped"
[ -n "${LINT_ALL-}" ] || echo "lint: clang-tidy looked at the files that differ from HEAD (LINT_ALL=1: all)"
echo "lint: $n findings"
[ "$n" -eq 0 ]
