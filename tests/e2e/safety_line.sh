#!/bin/sh
# safety_line.sh: the line of safety before the last of `make check`: what it adds up, that what was found makes it fail, and that it is never empty for
# want of a report.
set -u
cd "$(dirname "$0")/../.." || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0 bad=0
# line NAME STATUS WORDS: what safety.sh makes of $dir/counts
line() {
	n=$((n + 1))
	sh tests/safety.sh "$dir/counts" >"$dir/out"
	if [ $? -eq "$2" ] && grep -qF "$3" "$dir/out" && tail -1 "$dir/out" | grep -q '^safety: '; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"; sed 's/^/# /' "$dir/out"; bad=$((bad + 1))
	fi
}
whole() {
	cat <<-'END'
	tests/engine/test_crash kills 10
	tests/engine/test_crash points 5
	tests/engine/test_crash escapes 0
	tests/engine/test_crash doubles 0
	tests/engine/test_crash lost 0
	tests/engine/test_crash ran 1
	tests/engine/test_fault_matrix faults 7
	tests/engine/test_fault_matrix escapes 0
	tests/engine/test_fault_matrix doubles 0
	tests/engine/test_fault_matrix lost 0
	tests/engine/test_fault_matrix ran 1
	tests/store/test_approvals races 10000
	tests/store/test_approvals doubles 0
	tests/store/test_approvals lost 0
	tests/store/test_approvals ran 1
	tests/engine/test_gate cases 15000000
	tests/engine/test_gate escapes 0
	tests/engine/test_gate ran 1
	tests/agents/test_hell_plan plans 20000
	tests/agents/test_hell_plan escapes 0
	tests/agents/test_hell_plan ran 1
	tests/base/test_buf ran 1
	END
}
whole >"$dir/counts"
line "nothing was found" 0 "safety: escapes 0, double executions 0, lost decisions 0 (10 kills at 5 points, 7 faults, 10000 races, 15000000 truth-table cases, 20000 argv plans)"
for what in escapes doubles lost; do
	whole | sed "s/^\(tests.engine.test_fault_matrix $what\) 0/\1 3/" >"$dir/counts"
	line "$what that were found fail" 1 " 3"
done
whole | grep -v "test_fault_matrix lost" >"$dir/counts"
line "a test that is silent fails" 1 "test_fault_matrix did not report lost"
whole | grep -v "test_crash" >"$dir/counts"
line "a test that did not run fails" 1 "test_crash did not run"
{ whole | grep -v "test_crash"; echo "tests/engine/test_crash skipped 1"; } >"$dir/counts"
line "one that was skipped is named" 0 "safety: NOT PROVEN here, since tests/engine/test_crash was skipped"
{ whole; echo "tests/engine/test_crash lost -1"; } >"$dir/counts"
line "what is no count fails" 1 "is no count"
: >"$dir/counts"
line "nothing at all fails" 1 "did not run"
# and from the words of a test to the line
cat >"$dir/test_words.sh" <<'END'
echo "## count escapes 2"; echo "## other figures"; echo "ok 1 - words"
END
n=$((n + 1))
if SAFETY=1 sh tests/run.sh "$dir/test_words.sh" >"$dir/out"; then status=0; else status=1; fi
if [ $status -eq 1 ] && tail -2 "$dir/out" | head -1 | grep -q '^safety: escapes 2,' && grep -q '^# other figures' "$dir/out" && ! grep -q 'count' "$dir/out"; then
	echo "ok $n - from a test's words to the line before the last"
else
	echo "not ok $n - from a test's words to the line before the last"; sed 's/^/# /' "$dir/out"; bad=$((bad + 1))
fi
echo "1..$n"
[ "$bad" -eq 0 ]
