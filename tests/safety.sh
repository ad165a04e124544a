#!/bin/sh
# safety.sh COUNTS: the line before the last of `make check`, from what the tests counted ("TEST NAME N" a line). What has to report stands in the table
# below: a test of it that ran and is silent, or did not run at all, fails; one that was skipped is named, since then nothing is proven here.
awk '
BEGIN {
	n = split("tests/engine/test_crash kills,tests/engine/test_crash points,tests/engine/test_crash escapes,tests/engine/test_crash doubles," \
	    "tests/engine/test_crash lost,tests/engine/test_fault_matrix faults,tests/engine/test_fault_matrix escapes," \
	    "tests/engine/test_fault_matrix doubles,tests/engine/test_fault_matrix lost,tests/store/test_approvals races," \
	    "tests/store/test_approvals doubles,tests/store/test_approvals lost,tests/engine/test_gate cases,tests/engine/test_gate escapes," \
	    "tests/agents/test_hell_plan plans,tests/agents/test_hell_plan escapes", must, ",")
}
NF == 3 && $3 ~ /^[0-9]+$/ { sum[$2] += $3; said[$1 " " $2] = 1; next }
{ print "not ok - safety: \"" $0 "\" is no count"; bad = 1 }
END {
	for (i = 1; i <= n; i++) {
		split(must[i], w, " ")
		if (must[i] in said) continue
		if (w[1] " skipped" in said) { if (!(w[1] in told)) skipped = skipped (skipped ? ", " : "") w[1]; told[w[1]] = 1; continue }
		bad = 1
		if (w[1] " ran" in said) print "not ok - safety: " w[1] " did not report " w[2]
		else if (!(w[1] in told)) print "not ok - safety: " w[1] " did not run"
		told[w[1]] = 1
	}
	found = sum["escapes"] + sum["doubles"] + sum["lost"]
	printf "safety: %sescapes %.0f, double executions %.0f, lost decisions %.0f (%.0f kills at %.0f points, %.0f faults, %.0f races, " \
	    "%.0f truth-table cases, %.0f argv plans)\n",
	    (skipped ? "NOT PROVEN here, since " skipped " was skipped: " : ""), sum["escapes"], sum["doubles"], sum["lost"], sum["kills"], sum["points"],
	    sum["faults"], sum["races"], sum["cases"], sum["plans"]
	exit bad || found
}' "$1"
