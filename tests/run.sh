#!/bin/sh
# run.sh TEST...: runs each test (a cmocka program or a shell script that prints TAP) and ends in one plain line with the sums.
# A program that dies counts as a failure. WRAP is put in front of programs (valgrind).
set -u
pass=0 fail=0 skip=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
for t in "$@"; do
	case $t in
	*.sh) sh "$t" >"$log" 2>&1; rc=$? ;;
	*) CMOCKA_MESSAGE_OUTPUT=TAP ${WRAP-} "$t" >"$log" 2>&1; rc=$? ;;
	esac
	p=$(grep -c '^ok ' "$log"); s=$(grep -c '^ok .*# SKIP' "$log"); f=$(grep -c '^not ok ' "$log")
	p=$((p - s))
	if [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; echo "not ok - $t ended with status $rc"; fi
	if [ "$rc" -eq 0 ] && [ $((p + s + f)) -eq 0 ]; then f=1; echo "not ok - $t ran no test"; fi
	pass=$((pass + p)) fail=$((fail + f)) skip=$((skip + s))
	if [ "$f" -gt 0 ]; then cat "$log"; else grep '# SKIP' "$log"; fi
	printf '%-44s %3d passed %s\n' "${t#"${B-build}"/}" "$p" "$([ "$f" -gt 0 ] && echo "$f FAILED")"
done
echo "$pass passed, $fail failed, $skip skipped"
[ "$fail" -eq 0 ]
