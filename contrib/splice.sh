#!/bin/sh
# splice.sh FILE NAME <TEXT: puts TEXT between the lines `.\" begin NAME` and `.\" end NAME` of FILE. A file that is right already is not touched.
set -eu
tmp=$(mktemp)
trap 'rm -f "$tmp" "$tmp.new"' EXIT
cat >"$tmp"
awk -v begin=".\\\\\" begin $2" -v end=".\\\\\" end $2" -v text="$tmp" '
	$0 == end { inside = 0 }
	!inside { print }
	$0 == begin { inside = 1; seen = 1; while ((getline line <text) > 0) print line }
	END { if (!seen || inside) exit 1 }' "$1" >"$tmp.new" || { echo "$1: no lines begin $2 and end $2" >&2; exit 1; }
cmp -s "$tmp.new" "$1" || cat "$tmp.new" >"$1"
