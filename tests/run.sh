#!/bin/sh
# run.sh TEST...: runs each test (a cmocka program or a shell script that prints TAP) and ends in one plain line with the sums.
# Programs run two at a time, scripts alone: they drive the whole program and watch its timing. The output of a test stays in one piece
# and in the order given. A program that dies counts as a failure, and so does one that is not done after LIMIT seconds.
# WRAP is put in front of programs (valgrind). Lines that begin with "## " are figures and always shown.
# "## count NAME N" are figures that are added up over all tests; with SAFETY=1 they make the line before the last, and a test that has to report
# one (tests/safety.sh) and does not is a failure.
set -u
limit=${LIMIT:-600}
pass=0 fail=0 skip=0
dir=$(mktemp -d) || exit 1
running=
trap 'rm -rf "$dir"' EXIT
trap 'for p in $running; do kill "$p" 2>/dev/null; done; exit 130' INT TERM

count() { grep -c "$1" "$2"; }

# report TEST LOG STATUS
report() {
	# cmocka 1.1 writes "not ok N # SKIP" for a test that was skipped.
	s=$(count '^\(not \)\{0,1\}ok .*# SKIP' "$2")
	p=$(($(count '^ok ' "$2") - $(count '^ok .*# SKIP' "$2")))
	f=$(($(count '^not ok ' "$2") - $(count '^not ok .*# SKIP' "$2")))
	if [ "$f" -eq 0 ]; then
		if [ "$3" -eq 124 ] || [ "$3" -eq 137 ]; then
			f=1; echo "not ok - $1 was stopped after $limit seconds or killed"
		elif [ "$3" -ne 0 ]; then
			f=1; echo "not ok - $1 ended with status $3"
		elif [ $((p + s)) -eq 0 ]; then
			f=1; echo "not ok - $1 ran no test"
		fi
	fi
	pass=$((pass + p)) fail=$((fail + f)) skip=$((skip + s))
	name=${1#"${B-build}"/}
	awk -v t="$name" -v p="$p" '/^## count / && NF == 4 { print t, $3, $4 } END { print t, (p ? "ran" : "skipped"), 1 }' "$2" >>"$dir/counts"
	if [ "$f" -gt 0 ]; then cat "$2"; else sed -n '/^## count /d; s/^not \(ok .*# SKIP\)/\1/; /^ok .*# SKIP/p; s/^## /# /p' "$2"; fi
	printf '%-44s %3d passed %s\n' "$name" "$p" "$([ "$f" -gt 0 ] && echo "$f FAILED")"
	rm -f "$2"
}

# Waits for the program that was started before the last one.
previous= previous_pid= n=0
finish_previous() {
	[ -n "$previous_pid" ] || return 0
	wait "$previous_pid"
	report "$previous" "$previous_log" $?
	previous_pid=
}

for t in "$@"; do
	n=$((n + 1))
	case $t in
	*.sh)
		finish_previous
		timeout -k 10 "$limit" sh "$t" >"$dir/$n" 2>&1 &
		running=$!
		wait "$running"
		report "$t" "$dir/$n" $?
		running=
		;;
	*)
		CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 "$limit" ${WRAP-} "$t" >"$dir/$n" 2>&1 &
		started=$!
		running="$previous_pid $started"
		finish_previous
		previous=$t previous_log=$dir/$n previous_pid=$started
		;;
	esac
done
finish_previous
if [ -n "${SAFETY-}" ]; then
	sh "$(dirname "$0")/safety.sh" "$dir/counts" || fail=$((fail + 1))
fi
echo "$pass passed, $fail failed, $skip skipped"
[ "$fail" -eq 0 ]
