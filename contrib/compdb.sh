#!/bin/sh
# compdb.sh 'COMPILER FLAGS' DIR: prints compile_commands.json for every .c below DIR.
set -eu
flags=$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')
first=1
echo "["
find "$2" -name '*.c' | LC_ALL=C sort | while read -r f; do
	[ $first = 1 ] || echo ","
	first=0
	printf '{"directory":"%s","file":"%s","command":"%s -c %s"}' "$PWD" "$f" "$flags" "$f"
done
echo
echo "]"
